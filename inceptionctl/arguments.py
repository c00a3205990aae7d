"""The arguments of commands that Hydra does not compose: a wrong one is a RequestError, one message."""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from pathlib import Path
from typing import NoReturn

from inceptionctl.errors import RequestError, unknown
from inceptionctl.files import kind_of

LONGEST_WAIT = 86_400.0


class Parser(argparse.ArgumentParser):
    """Its errors name what was typed and end with the command's own help."""

    def parse_args(self, args: list[str] | None = None, namespace: None = None) -> argparse.Namespace:  # type: ignore[override]
        return self._whole(args, *self.parse_known_args(args, namespace))

    def parse_intermixed_args(self, args: list[str] | None = None, namespace: None = None) -> argparse.Namespace:  # type: ignore[override]
        return self._whole(args, *self.parse_known_intermixed_args(args, namespace))

    def _whole(self, args: list[str] | None, found: argparse.Namespace, others: list[str]) -> argparse.Namespace:
        """Raises RequestError for words that nothing takes."""
        if others and others[0].startswith("-"):
            flags = [word for action in self._actions for word in action.option_strings]
            raise unknown(
                "flag", others[0], flags, f"{self.prog} {' '.join(args or [])}", hint=self._value_hint(others[0])
            )
        if others:
            self.error(f"{others[0]!r} is one word too many")
        return found

    def _value_hint(self, flag: str) -> str | None:
        """Where it is a value of another flag: --latex is --format latex."""
        takes = (action for action in self._actions if action.option_strings and flag[2:] in (action.choices or ()))
        return next((f"Did you mean {action.option_strings[0]} {flag[2:]}?" for action in takes), None)

    def error(self, message: str) -> NoReturn:
        raise RequestError(f"{self.prog.partition(' ')[2]}: {message}\n  {self.prog} --help explains the command")


def folder(text: str) -> Path:
    """A folder that was typed. It may be missing: whoever looks into it says what it looked for."""
    path = Path(text)
    if not text:
        raise argparse.ArgumentTypeError("'' is the name of no folder")
    if os.path.islink(path) and not os.path.exists(path):
        raise argparse.ArgumentTypeError(f"{text} is a link to {os.readlink(path)}, which does not exist")
    if os.path.lexists(path) and not os.path.isdir(path):
        kind = kind_of(os.stat(path).st_mode) or "a file"
        raise argparse.ArgumentTypeError(f"{text} is {kind}: name a folder")
    return path


def seconds(text: str) -> float:
    """A time to wait."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= LONGEST_WAIT:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds: give one from above 0 to {LONGEST_WAIT:g}")
    return value


def check_output_file(flag: str, path: Path, suffix: str) -> None:
    """Raises RequestError for a file that could not be written after all the work."""
    if path.suffix != suffix:
        raise RequestError(f"{flag} {path}: the name should end in {suffix}")
    if os.path.lexists(path) and not path.is_file():
        raise RequestError(f"{flag} {path}: there is something that is not a file")
    if not path.parent.is_dir():
        raise RequestError(f"{flag} {path}: there is no folder {path.parent}")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise RequestError(f"{flag} {path}: the folder cannot be written to: {error.strerror}") from error
