"""Derives a run's state from its folder alone; works without Slurm."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from inceptionctl.files import FileError, open_file
from inceptionctl.runs.damage import check_config_text, check_kinds, check_metrics, read_own_evaluation, read_result
from inceptionctl.runs.evaluations import read_evaluation
from inceptionctl.runs.exits import is_failure, read_exit
from inceptionctl.runs.io import check_no_link
from inceptionctl.runs.launcher import is_alive, launcher
from inceptionctl.runs.metrics import newest_metrics
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import EvalRow, MetricRow, ProgressRow, TrainRow
from inceptionctl.runs.records.process import ExitStatus, Start
from inceptionctl.runs.records.result import Result
from inceptionctl.runs.starts import read_starts

T = TypeVar("T")


@dataclass(frozen=True)
class RunState:
    """`state`: done, running, starting, failed, stopped (by a signal), lost (killed, without exit.json), damaged or
    new. `epoch`, `images_per_s` and `error` (top-1, in percent, of the reported split): as last logged; `node`: of the
    last start; `restarts`: starts but the first; `log_bytes`: what was in rank 0's log at the last start; `damage`: the
    first file that cannot be read, and why."""

    state: str
    node: str = ""
    epoch: float | None = None
    images_per_s: float | None = None
    error: float | None = None
    restarts: int = 0
    log_bytes: int = 0
    damage: str = ""


@dataclass
class _Reader:
    """Reads files of which some may be damaged, and keeps what is wrong with them."""

    damage: list[str] = field(default_factory=list)

    def __call__(self, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except FileError as error:
            self.damage.append(str(error))
            return otherwise


def run_state(run: RunDir) -> RunState:
    return _state_of_evaluation(run) if run.is_evaluation else _state_of_training(run)


def _state_of_evaluation(run: RunDir) -> RunState:
    read = _Reader()
    read(lambda: check_kinds(run), None)
    outcome = read(lambda: read_evaluation(run.outcome), None) if run.finished else None
    rows: list[MetricRow] = read(lambda: list(newest_metrics(run.metrics)), [])
    starts: list[Start] = read(lambda: read_starts(run), [])
    status = read(lambda: read_exit(run), None)
    progress = next((row for row in rows if isinstance(row, ProgressRow)), None)
    return RunState(
        state=_state(run, outcome is not None, status, bool(starts), read.damage),
        node=starts[-1].node if starts else "",
        images_per_s=progress.images_per_s if progress else None,
        error=outcome.top1_error if outcome else progress.top1_error if progress else None,
        restarts=max(len(starts) - 1, 0),
        log_bytes=starts[-1].log_bytes if starts else 0,
        damage=read.damage[0] if read.damage else "",
    )


def _state_of_training(run: RunDir) -> RunState:
    read = _Reader()
    read(lambda: check_kinds(run), None)
    result = read(lambda: read_result(run), None) if run.finished else None
    rows: list[MetricRow] = read(lambda: list(newest_metrics(run.metrics)), [])
    if result:
        read(lambda: _check_evaluations(run, result), None)
        read(lambda: check_metrics(run, result, rows), None)
    else:
        read(lambda: check_config_text(run), None)
    needed = list(read.damage)  # by whoever reports the run, or continues it
    if result:
        read(lambda: check_config_text(run), None)
    starts: list[Start] = read(lambda: read_starts(run), [])
    status = read(lambda: read_exit(run), None)
    train = next((row for row in rows if isinstance(row, TrainRow)), None)
    return RunState(
        state=_state(run, result is not None, status, bool(starts), needed if result else read.damage),
        node=starts[-1].node if starts else "",
        epoch=rows[0].epoch if rows else None,
        images_per_s=train.images_per_s if train else None,
        error=result.evaluation("ema").top1_error if result else _last_error(rows),
        restarts=max(len(starts) - 1, 0),
        log_bytes=starts[-1].log_bytes if starts else 0,
        damage=read.damage[0] if read.damage else "",
    )


def is_locked(run: RunDir) -> bool:
    """Whether a process works on the run, as far as this machine can tell. Takes the lock for a moment, for which
    workers wait."""
    try:
        check_no_link(run.lock)
        with open_file(run.lock) as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (OSError, FileError):
        pass
    return False


def launched_here(run: RunDir) -> bool:
    """Whether a command on this machine runs the run, or is about to start it again."""
    try:
        found = launcher(run)
    except FileError:
        return False
    return found is not None and is_alive(found)


def _state(run: RunDir, finished: bool, status: ExitStatus | None, started: bool, damage: list[str]) -> str:
    if finished and not damage:
        return "done"
    if is_locked(run):
        return "running"
    if launched_here(run):
        return "starting"
    if damage:
        return "damaged"
    if status and is_failure(status):
        return "failed"
    if status and status.code >= 128:
        return "stopped"
    return "lost" if started else "new"


def _check_evaluations(run: RunDir, result: Result) -> None:
    for one in result.evaluations:
        read_own_evaluation(run, result, run.path / one.file)


def _last_error(rows: list[MetricRow]) -> float | None:
    evaluated = (row for row in rows if isinstance(row, EvalRow) and row.purpose != "selection")
    return next((row.top1_error for row in evaluated), None)
