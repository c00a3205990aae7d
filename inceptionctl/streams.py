"""The command's standard streams: what is printed is text, and a stream that cannot take it never ends the work.

Names of classes, files and runs may come from strangers: their control characters, which a terminal would obey, are
shown as Python writes them, `\\x1b`.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

_ORDER = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))  # change the order of what is shown
_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
ESCAPES = {code: repr(chr(code))[1:-1] for code in (*_CONTROLS, *_ORDER) if chr(code) not in "\n\t"}


def escaped(text: str) -> str:
    """With control characters, but line breaks and tabs, as text."""
    return text if text.isprintable() else text.translate(ESCAPES)


class OutputLost(Exception):
    """Nobody reads the output of a command that does nothing else."""


class Raw:
    """A stream that drops everything from the first error on; `failure` is that error. Unless the command `goes_on`,
    OutputLost is raised then."""

    def __init__(self, stream: TextIO, goes_on: bool) -> None:
        self._stream, self._goes_on = stream, goes_on
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        if not self.failure:
            try:
                self._stream.write(text)
            except OSError as error:
                self._fail(error)
        return len(text)

    def flush(self) -> None:
        if not self.failure:
            try:
                self._stream.flush()
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        """What the stream still holds goes nowhere: Python would fail on it at its end."""
        self.failure = error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        if not self._goes_on:
            raise OutputLost from error

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever else a stream has
        return getattr(self._stream, name)


class Plain(io.TextIOBase):
    """What `print` writes to. Rich, whose control characters are its own, writes to `rich_proxied_file`. Libraries show
    progress on stderr by carriage returns, which are then `kept`."""

    def __init__(self, raw: Raw, kept: str = "\n") -> None:
        self.rich_proxied_file, self._kept = raw, kept

    def write(self, text: str) -> int:
        self.rich_proxied_file.write(self._kept.join(map(escaped, text.split(self._kept))))
        return len(text)

    def flush(self) -> None:
        self.rich_proxied_file.flush()

    def isatty(self) -> bool:
        return bool(self.rich_proxied_file.isatty())

    def fileno(self) -> int:
        return int(self.rich_proxied_file.fileno())

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(getattr(self.rich_proxied_file, "encoding", None) or "utf-8")


def open_closed() -> None:
    """Gives a standard stream that was closed (`>&-`) /dev/null: the next file that is opened would take its place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it has the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))


@contextmanager
def plain(goes_on: bool) -> Iterator[Raw]:
    """Meanwhile the program prints plain text to stdout, which this yields, and to stderr."""
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):  # file names that are not UTF-8, terminals that are ASCII
            stream.reconfigure(errors="backslashreplace")
    raw, errors = Raw(sys.stdout, goes_on), Raw(sys.stderr, goes_on=True)
    sys.stdout, sys.stderr = Plain(raw), Plain(errors, kept="\r")
    try:
        yield raw
    finally:
        sys.stdout, sys.stderr = before
