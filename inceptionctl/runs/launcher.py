""".pid: which command on this machine runs a run. It is believed only in the folder that it was written for, and only
while that very process exists: folders are copied, and process ids are used again."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from inceptionctl.errors import InceptionctlError
from inceptionctl.files import FileError, MissingFileError
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import Launcher

START_FIELD = 19  # of /proc/PID/stat, counted from the first one behind the name


def record_launcher(run: RunDir) -> None:
    """This process, unless another one that is alive is recorded: its worker has the lock."""
    with suppress(InceptionctlError, OSError):  # a folder that cannot be written to is reported when the worker starts
        if not _is_anothers(run):
            write_record(run.pid, describe(run, os.getpid()))


def describe(run: RunDir, process: int) -> Launcher:
    """Raises OSError if there is no such folder."""
    folder = run.path.stat()
    return Launcher(
        host=socket.gethostname(),
        process=process,
        started=_start_of(process),
        device=folder.st_dev,
        inode=folder.st_ino,
    )


def clear_launcher(run: RunDir) -> None:
    with suppress(OSError):
        if not _is_anothers(run):
            run.pid.unlink()


def _is_anothers(run: RunDir) -> bool:
    with suppress(FileError):
        found = launcher(run)
        return found is not None and found.process != os.getpid() and is_alive(found)
    return False


def launcher(run: RunDir) -> Launcher | None:
    """None if no command is recorded for this very folder. Raises RecordError for a damaged file."""
    try:
        found, folder = read_record(run.pid, Launcher), run.path.stat()
    except (MissingFileError, FileNotFoundError):
        return None
    if found.host == socket.gethostname() and (found.device, found.inode) != (folder.st_dev, folder.st_ino):
        return None  # the folder is a copy of one that a command here works on
    return found


def is_alive(found: Launcher) -> bool:
    """Whether the command is still running, on this machine."""
    return found.host == socket.gethostname() and is_ours(found.process) and _start_of(found.process) == found.started


def is_ours(process: int) -> bool:
    """Whether a process exists and, where /proc tells, is one of this program's: a stranger's folder may name any."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, PermissionError, OverflowError):
        return False
    words = Path(f"/proc/{process}/cmdline")
    with suppress(OSError):
        return process > 0 and (not words.is_file() or b"inceptionctl" in words.read_bytes())
    return False


def _start_of(process: int) -> int | None:
    """When a process began, as far as /proc tells."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[START_FIELD])
    return None
