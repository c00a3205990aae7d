"""What worked on a run, where, and how that ended. Times are in seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from inceptionctl.runs.io import Record


@dataclass(frozen=True, kw_only=True)
class ExitStatus(Record):
    """exit.json: how the last work on a run ended; absent while a process works on it, or if that was killed. `log`:
    of the process that ended it, relative to the run folder."""

    schema: Literal[1] = 1
    code: int
    message: str
    log: str | None = None


@dataclass(frozen=True, kw_only=True)
class Environment(Record):
    """env.json: what the run was last worked on with; no part of its identity."""

    schema: Literal[1] = 1
    versions: dict[str, str]
    git_commit: str | None
    platform: str
    processor: str
    cores: int | None
    device: str
    threads: int
    world_size: int


@dataclass(frozen=True, kw_only=True)
class Start(Record):
    """starts.jsonl: the first rank began to work on the run, at `step`; `job` and `submission` are Slurm's."""

    schema: Literal[1] = 1
    at: float
    node: str
    job: str | None
    submission: str | None
    step: int


@dataclass(frozen=True, kw_only=True)
class SubmittedJob(Record):
    """jobs.jsonl: a Slurm job that is or was to work on the run; `submission`: the folder of its script."""

    schema: Literal[1] = 1
    job: str
    submission: str


@dataclass(frozen=True, kw_only=True)
class Submission(Record):
    """slurm/*/submission.json of a table: ids of the job arrays, and of the job that writes the report."""

    schema: Literal[1] = 1
    jobs: list[str]
    report: str | None


@dataclass(frozen=True, kw_only=True)
class Divergence(Record):
    """diverged/step-*/report.json. `loss` and `grad_norm` as text, since JSON has no NaN; `images`: epoch and index of
    each image of the step; `not_finite`: names of the weights that hold NaN or inf."""

    schema: Literal[1] = 1
    step: int
    loss: str
    grad_norm: str
    lr: float
    not_finite: list[str]
    images: list[tuple[int, int]]
    settings: dict[str, Any]
