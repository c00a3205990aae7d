"""Notes which folders and files a block of code looks at, and their times, to tell later whether one has changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

Stamp = tuple[int, int, int]  # times of the last modification and of the last change of the inode, in ns; bytes
ABSENT = (-1, -1, -1)
_noted: ContextVar[dict[str, Stamp] | None] = ContextVar("noted", default=None)


@contextmanager
def noting() -> Iterator[dict[str, Stamp]]:
    """What `note` is called with in the block, by absolute path."""
    noted = dict[str, Stamp]()
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def note(path: Path | str) -> None:
    """To be called before a folder is listed or a file is opened: what changes meanwhile is then noticed. `files`
    does so for every file."""
    noted = _noted.get()
    if noted is not None and (name := os.path.abspath(path)) not in noted:
        noted[name] = stamp(name)


def stamp(path: str | bytes) -> Stamp:
    """Of what a link leads to. The time of the inode's change cannot be set back, as `tar` and `cp -p` set that of the
    modification."""
    try:
        found = os.stat(path)
    except OSError:
        return ABSENT
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size
