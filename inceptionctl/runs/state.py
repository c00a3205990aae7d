"""How a run stands, by its files alone: right wherever the folder can be read, with or without a cluster."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inceptionctl.runs.paths import RunDir, read_json
from inceptionctl.runs.starts import starts

Row = dict[str, Any]
TAIL_BYTES = 1 << 14  # of the metrics: the last rows are what counts, and some runs have a million


@dataclass(frozen=True)
class RunState:
    """`state`: done, running, starting, failed, stopped (told to), lost (killed, without a word) or new. `epoch`,
    `images_per_s` and `error` (top-1, in percent) as last logged; `node`: of the last start; `restarts`: starts
    but the first."""

    state: str
    node: str = ""
    epoch: float | None = None
    images_per_s: float | None = None
    error: float | None = None
    restarts: int = 0


def run_state(run: RunDir) -> RunState:
    begun, rows = starts(run), last_rows(run.metrics)
    train: Row = next((row for row in reversed(rows) if row["kind"] == "train"), {})
    seen: Row = next((row for row in reversed(rows) if row["kind"] == "eval" and row.get("split") != "dev"), {})
    return RunState(
        state=_state(run, bool(begun)),
        node=begun[-1].node if begun else "",
        epoch=max((row["epoch"] for row in (train, seen) if row), default=None),
        images_per_s=train.get("images_per_s"),
        error=_final_error(run) if run.finished else seen.get("top1_error"),
        restarts=max(len(begun) - 1, 0),
    )


def last_rows(metrics: Path) -> list[Row]:
    """The last whole rows of a metrics file that may be written to meanwhile."""
    if not metrics.is_file():
        return []
    with metrics.open("rb") as file:
        file.seek(max(0, metrics.stat().st_size - TAIL_BYTES))
        lines = file.read().splitlines()
    rows = []
    for line in lines:
        with suppress(ValueError):
            rows.append(json.loads(line))
    return [row for row in rows if isinstance(row, dict)]


def is_locked(run: RunDir) -> bool:
    """Whether a process works on the run, as far as this machine can tell: only for a moment does this hold the lock
    itself, which workers allow for."""
    try:
        with run.lock.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def launched_here(run: RunDir) -> bool:
    """Whether a command on this machine is about to work on the run, or to start it again."""
    host, process = launcher(run)
    return host == socket.gethostname() and is_ours(process)


def launcher(run: RunDir) -> tuple[str, int]:
    """Host and process of the command that works on the run; "" and 0 where none says so."""
    with suppress(OSError, ValueError):
        host, _, process = run.launcher.read_text().strip().partition(" ")
        return host, int(process)
    return "", 0


def is_ours(process: int) -> bool:
    """Whether a process is there and, where the system tells, is one of this program's: numbers are used again, and a
    stranger's folder may name any."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, PermissionError, OverflowError):
        return False
    words = Path(f"/proc/{process}/cmdline")
    return process > 0 and (not words.is_file() or b"inceptionctl" in words.read_bytes())


def _state(run: RunDir, begun: bool) -> str:
    if run.finished:
        return "done"
    if is_locked(run):
        return "running"
    if launched_here(run):
        return "starting"
    if run.failed:
        return "failed"
    if run.ended is not None and run.ended >= 128:
        return "stopped"
    return "lost" if begun else "new"


def _final_error(run: RunDir) -> float | None:
    errors = {one["weights"]: one["top1_error"] for one in read_json(run.result)["evaluations"]}
    return errors.get("ema")
