"""What can go wrong, by whose doing. The command line prints the message, no traceback, and exits with the code."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from contextlib import suppress


class InceptionctlError(Exception):
    """The work failed: exit code 1."""

    exit_code = 1


class RequestError(InceptionctlError):
    """The request was wrong: exit code 2, and nothing was made."""

    exit_code = 2


class CheckpointError(InceptionctlError):
    """A checkpoint that is damaged or belongs to another run."""


class DataError(InceptionctlError):
    """Pictures that cannot be read, or processes reading them that keep dying."""


class Interrupted(InceptionctlError):
    """Somebody asked the run to stop: exit code 130; what was saved is usable."""

    exit_code = 130


def warn(message: str) -> None:
    """Tells the user what went wrong though the work goes on: such lines of stderr are shown, each once."""
    with suppress(OSError):  # a full disk: the run matters more than its log
        print(f"inceptionctl: {message}", file=sys.stderr, flush=True)


def unknown(kind: str, name: str, choices: Iterable[str], written: str | None = None) -> RequestError:
    """`name` is no `kind`: names the nearest of `choices` first, then all; `written` is what the user typed."""
    choices = sorted(choices)
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    typed = f" ({written})" if written else ""
    ordered = near + [choice for choice in choices if choice not in near]
    return RequestError(f"no {kind} {name!r}{typed}.{hint}\n  available: {', '.join(ordered) or 'none'}")


def count(number: int, noun: str) -> str:
    """`1 job`, `2 jobs`, for messages."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
