"""The errors that the command line prints as one message, without a traceback, and their exit codes."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from contextlib import suppress

from inceptionctl.streams import escaped


class InceptionctlError(Exception):
    """The work failed (exit code 1)."""

    exit_code = 1


class RequestError(InceptionctlError):
    """The request was wrong (exit code 2). Raised before anything is written."""

    exit_code = 2


class CheckpointError(InceptionctlError):
    """A checkpoint is damaged or belongs to another run."""


class DataError(InceptionctlError):
    """Images cannot be read, or the processes that read them keep dying."""


class Interrupted(InceptionctlError):
    """The command was told to stop (exit code 130). Checkpoints of its runs are usable."""

    exit_code = 130


def warn(message: str) -> None:
    """Prints a message to stderr. A launcher shows such lines of its workers' logs, each once."""
    with suppress(OSError):  # a full disk must not end the run
        print(f"inceptionctl: {escaped(message)}", file=sys.stderr, flush=True)


def unknown(
    kind: str, name: str, choices: Iterable[str], typed: str | None = None, hint: str | None = None
) -> RequestError:
    """The error for a `name` that is not among `choices`: the message has a hint, by default the nearest choice, and
    all choices, the nearest first. `typed`: the words that the name stood in."""
    choices = sorted(choices)
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5) if hint is None else []
    hint = f"Did you mean {near[0]}?" if near else hint or ""
    ordered = near + [choice for choice in choices if choice not in near]
    where = f" in {typed}" if typed and not typed.startswith(name) else ""
    message = f"unknown {kind} {name!r}{where}. {hint}".rstrip()
    return RequestError(f"{message}\n  available: {', '.join(ordered) or 'none'}")


def bytes_text(size: float) -> str:
    """A number of bytes for messages: "12.3 MB"."""
    scales = {"TB": 1e12, "GB": 1e9, "MB": 1e6, "kB": 1e3}
    unit = next((unit for unit, scale in scales.items() if size >= scale), "kB")
    return f"{size / scales[unit]:.3g} {unit}"


def count(number: int, noun: str) -> str:
    """A number with its noun, for messages: `1 job`, `2 jobs`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def shortened(text: str, length: int = 100) -> str:
    """A text that may be of any length, for messages."""
    return text if len(text) <= length else f"{text[: length - 3]}..."
