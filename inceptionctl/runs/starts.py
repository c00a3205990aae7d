"""How often a run has been started, and whether its starts make progress."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from inceptionctl.config.launch import Local, Slurm
from inceptionctl.errors import InceptionctlError, warn
from inceptionctl.files import FileError
from inceptionctl.runs.io import RecordError, append_record, read_lines
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import Start

SUBMISSION = "INCEPTIONCTL_SUBMISSION"  # environment variable of a job: the folder of its script
MAX_STARTS_AT_ONE_STEP = 5


def read_starts(run: RunDir) -> list[Start]:
    return read_lines(run.starts, Start)


def log_bytes_before(run: RunDir) -> int:
    """What was in rank 0's log when the run last started, as far as starts.jsonl can be read."""
    with suppress(FileError):
        return read_starts(run)[-1].log_bytes if run.starts.is_file() else 0
    return 0


def has_started(run: RunDir, submission: Path) -> bool:
    """Whether rank 0 has started in a job of this submission, as far as starts.jsonl can be read."""
    with suppress(FileError):
        places = (os.path.abspath(run.path / start.submission) for start in read_starts(run) if start.submission)
        return os.path.abspath(submission) in places
    return False


def last_job(run: RunDir) -> str | None:
    """The job of the last start, as far as starts.jsonl can be read; None outside Slurm."""
    with suppress(FileError):
        starts = read_starts(run)
        return starts[-1].job if starts else None
    return None


def record_start(run: RunDir, restarts: int) -> None:
    """Adds this one. Raises InceptionctlError in a job that has started too often, or too often at the same step."""
    submission = relative_to_run(run, os.environ.get(SUBMISSION))
    start = Start(
        at=time.time(),
        node=_node(),
        job=_job(),
        submission=submission,
        step=saved_step(run),
        log_bytes=run.log().stat().st_size if run.log().is_file() else 0,
    )
    with suppress(OSError, RecordError):  # a folder that cannot be written to is reported elsewhere
        append_record(run.starts, start)
    if start.submission:
        _check_starts([other for other in _readable_starts(run) if other.submission == start.submission], restarts)


def _readable_starts(run: RunDir) -> list[Start]:
    """None, with a warning, if the file is damaged."""
    try:
        return read_starts(run)
    except FileError as error:
        warn(f"{error}: starts cannot be counted")
        return []


def relative_to_run(run: RunDir, submission: str | None) -> str | None:
    """The folder of a job's script as a run's records name it: they stay true when both are moved."""
    return os.path.relpath(submission, run.path) if submission and os.path.isabs(submission) else submission


def saved_step(run: RunDir) -> int:
    """The step of the last checkpoint, damaged or not; of an evaluation, its parts that are done; 0 without one."""
    if run.is_evaluation:
        return len(list(run.parts.glob("[0-9]*.npz")))
    names = (path.name.removeprefix("step-") for path in run.checkpoints.glob("step-*"))
    return max((int(name) for name in names if name.isdecimal()), default=0)


def check_time_limit(run: RunDir, launch: Local | Slurm, done: int, steps_per_epoch: int) -> None:
    """Called after Slurm's warning that a job's time is about to end. Raises InceptionctlError if neither this job nor
    one before it did a single step; warns if this one did less than an epoch."""
    if not isinstance(launch, Slurm) or SUBMISSION not in os.environ:
        return
    limit = f"launch.time = {launch.time}" if launch.time else "the partition's time limit (launch.time is not set)"
    if done == 0 and saved_step(run) == 0:
        raise InceptionctlError(f"{limit} is too short: it ended before the first step was done; ask for more time")
    if done < steps_per_epoch:
        warn(
            f"{limit} is too short for one epoch: {done} of its {steps_per_epoch} steps were done; the run continues "
            "from there, but each start costs time"
        )


def _check_starts(starts: Sequence[Start], restarts: int) -> None:
    if len(starts) > restarts + 1:
        raise InceptionctlError(
            f"started {len(starts) - 1} times (launch.restarts = {restarts}) without finishing: the same command "
            "submits it again, from its last checkpoint"
        )
    recent = {start.step for start in starts[-MAX_STARTS_AT_ONE_STEP:]}
    if len(starts) >= MAX_STARTS_AT_ONE_STEP and len(recent) == 1:
        raise InceptionctlError(
            f"started {MAX_STARTS_AT_ONE_STEP} times at step {recent.pop()} without progress: is launch.time too "
            f"short, or launch.mem too small?\n  logs: {os.environ.get(SUBMISSION)}/log"
        )


def _node() -> str:
    return os.environ.get("SLURMD_NODENAME") or socket.gethostname()


def _job() -> str | None:
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array else os.environ.get("SLURM_JOB_ID")
