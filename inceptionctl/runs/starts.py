"""How often a run has been started, and whether that leads anywhere."""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass

from inceptionctl.config.schema import Local, Slurm
from inceptionctl.errors import InceptionctlError, warn
from inceptionctl.runs.paths import RunDir, read_rows

SUBMISSION = "INCEPTIONCTL_SUBMISSION"  # set by a job's script: the folder of what was submitted at once
STUCK = 5  # starts in a row that get no further: the next will not, either


@dataclass(frozen=True)
class Start:
    """A first rank's, at `step`, `at` seconds of the epoch; `job` and `submission` are None outside a cluster."""

    at: float
    node: str
    job: str | None
    submission: str | None
    step: int


def starts(run: RunDir) -> list[Start]:
    return [Start(**row) for row in read_rows(run.starts)]


def note_start(run: RunDir, restarts: int) -> None:
    """Adds this one. Raises InceptionctlError in a job that has started often enough, or to no effect."""
    start = Start(time.time(), _node(), _job(), os.environ.get(SUBMISSION), saved_step(run))
    with suppress(OSError), run.starts.open("a") as file:
        file.write(json.dumps(asdict(start)) + "\n")
    if start.submission:
        _check_more([s for s in starts(run) if s.submission == start.submission], restarts)


def saved_step(run: RunDir) -> int:
    """0 where there is no checkpoint; one that is damaged counts."""
    names = (path.name.removeprefix("step-") for path in run.checkpoints.glob("step-*"))
    return max((int(name) for name in names if name.isdecimal()), default=0)


def judge_time_limit(launch: Local | Slurm, done: int, steps_per_epoch: int) -> None:
    """After the signal that the time of a job is about to end. Raises InceptionctlError if that left no time for any
    of its steps; warns if not for an epoch's."""
    if not isinstance(launch, Slurm) or SUBMISSION not in os.environ:
        return
    asked = f"launch.time = {launch.time}" if launch.time else "the partition's time limit (launch.time is not set)"
    if done == 0:
        raise InceptionctlError(f"{asked} is too short: it came before the first step was done; ask for more time")
    if done < steps_per_epoch:
        warn(
            f"{asked} is too short for one epoch: {done} of its {steps_per_epoch} steps were done; the run goes on "
            "from there, but pays for its start each time"
        )


def _check_more(ours: list[Start], restarts: int) -> None:
    if len(ours) > restarts + 1:
        raise InceptionctlError(
            f"started {len(ours) - 1} times (launch.restarts = {restarts}), and not at its end: the same command "
            "submits it again, from its last checkpoint"
        )
    recent = {start.step for start in ours[-STUCK:]}
    if len(ours) >= STUCK and len(recent) == 1:
        raise InceptionctlError(
            f"started {STUCK} times at step {recent.pop()}, and got no further: is launch.time too short, or "
            f"launch.mem too small?\n  logs: {ours[-1].submission}/log"
        )


def _node() -> str:
    return os.environ.get("SLURMD_NODENAME") or socket.gethostname()


def _job() -> str | None:
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array else os.environ.get("SLURM_JOB_ID")
