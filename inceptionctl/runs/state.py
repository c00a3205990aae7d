"""Derives a run's state from its folder alone; works without Slurm."""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.runs.exits import exit_status, has_failed
from inceptionctl.runs.io import read_record
from inceptionctl.runs.metrics import newest_metrics
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import EvalRow, TrainRow
from inceptionctl.runs.records.result import Result
from inceptionctl.runs.starts import read_starts


@dataclass(frozen=True)
class RunState:
    """`state`: done, running, starting, failed, stopped (by a signal), lost (killed, without exit.json) or new.
    `epoch`, `images_per_s` and `error` (top-1, in percent, of the reported split): as last logged; `node`: of the last
    start; `restarts`: starts but the first."""

    state: str
    node: str = ""
    epoch: float | None = None
    images_per_s: float | None = None
    error: float | None = None
    restarts: int = 0


def run_state(run: RunDir) -> RunState:
    starts = read_starts(run)
    newest = next(newest_metrics(run.metrics), None)
    train = next((row for row in newest_metrics(run.metrics) if isinstance(row, TrainRow)), None)
    return RunState(
        state=_state(run, started=bool(starts)),
        node=starts[-1].node if starts else "",
        epoch=newest.epoch if newest else None,
        images_per_s=train.images_per_s if train else None,
        error=_final_error(run) if run.finished else _last_error(run),
        restarts=max(len(starts) - 1, 0),
    )


def is_locked(run: RunDir) -> bool:
    """Whether a process works on the run, as far as this machine can tell. Takes the lock for a moment, for which
    workers wait."""
    try:
        with run.lock.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def launched_here(run: RunDir) -> bool:
    """Whether a command on this machine runs the run, or is about to start it again."""
    host, process = launcher(run)
    return host == socket.gethostname() and is_ours(process)


def launcher(run: RunDir) -> tuple[str, int]:
    """Host and process id of the command that runs the run; "" and 0 if none is recorded."""
    with suppress(OSError, ValueError):
        host, _, process = run.pid.read_text().strip().partition(" ")
        return host, int(process)
    return "", 0


def record_launcher(run: RunDir) -> None:
    """This process."""
    with suppress(OSError):  # a folder that cannot be written to is reported when the worker starts
        run.pid.write_text(f"{socket.gethostname()} {os.getpid()}\n")


def clear_launcher(run: RunDir) -> None:
    with suppress(OSError):
        run.pid.unlink()


def is_ours(process: int) -> bool:
    """Whether a process exists and, where /proc tells, is one of this program's: ids are used again, and a stranger's
    folder may name any."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, PermissionError, OverflowError):
        return False
    words = Path(f"/proc/{process}/cmdline")
    return process > 0 and (not words.is_file() or b"inceptionctl" in words.read_bytes())


def _state(run: RunDir, started: bool) -> str:
    if run.finished:
        return "done"
    if is_locked(run):
        return "running"
    if launched_here(run):
        return "starting"
    if has_failed(run):
        return "failed"
    status = exit_status(run)
    if status and status.code >= 128:
        return "stopped"
    return "lost" if started else "new"


def _final_error(run: RunDir) -> float:
    return read_record(run.result, Result).evaluation("ema").top1_error


def _last_error(run: RunDir) -> float | None:
    rows = (row for row in newest_metrics(run.metrics) if isinstance(row, EvalRow) and row.purpose != "selection")
    return next((row.top1_error for row in rows), None)
