"""What a run says to people: its notices in a log, and why it ended."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from inceptionctl.files import FileError, open_file
from inceptionctl.runs.exits import exit_status
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.state import is_locked
from inceptionctl.runs.tail import Tail, size_of

TAIL_BYTES = 4 << 20
NOTICE = "inceptionctl: "  # begins each message that `errors.warn` and the worker write for people


def why_ended(run: RunDir) -> tuple[str, Path]:
    """The message of exit.json and the log that says more: of the process that ended the run or, if it was killed, the
    log that was written to last."""
    if not run.path.is_dir():
        return f"there is no folder {run.path} any more", run.log()
    if is_locked(run):
        return f"another process is working on {run.path}", run.log()
    status = exit_status(run)
    log = run.path / status.log if status and status.log else _newest_log(run)
    return (status.message if status else "") or "it left no message", log


def notices(log: Path, since: int = 0) -> list[str]:
    """Every message of a log behind its first `since` bytes, each once, with the indented lines that continue it."""
    return _notices(tail_of(log, since).splitlines())


class NoticeTail:
    """The messages of a run's log that come from now on."""

    def __init__(self, run: RunDir) -> None:
        self._run, self._tail = run, Tail(run.log())
        with suppress(FileError):
            self._tail.offset = size_of(run.log())

    def read(self) -> list[str]:
        """Those since the last call, but the one that ends the run, which exit.json has."""
        with suppress(FileError):
            found = _notices([line.decode(errors="replace").rstrip("\n") for line in self._tail.new_lines()])
            if found:
                status = exit_status(self._run)
                return [message for message in found if not status or message != status.message]
        return []


def _notices(lines: Sequence[str]) -> list[str]:
    found, continues = list[str](), False
    for line in lines:
        if line.startswith(NOTICE):
            found.append(line.removeprefix(NOTICE))
        elif continues and line.startswith("  "):
            found[-1] += f"\n{line}"
        continues = line.startswith(NOTICE) or (continues and line.startswith("  "))
    return list(dict.fromkeys(found))


def tail_of(log: Path, since: int = 0) -> str:
    """The last megabytes of a log, behind its first `since` bytes; empty if there is none, or something that is no
    file."""
    with suppress(FileError, OSError), open_file(log) as file:
        file.seek(max(since, os.fstat(file.fileno()).st_size - TAIL_BYTES))
        return file.read(TAIL_BYTES).decode(errors="replace")
    return ""


def _newest_log(run: RunDir) -> Path:
    found = [(log, log.lstat()) for log in run.log().parent.glob("*.log")]
    logs = {log: about.st_mtime_ns for log, about in found if about.st_size}
    return max(logs, key=lambda log: logs[log], default=run.log())
