"""The processes of a run: exit.json, env.json, starts.jsonl, jobs.jsonl, and what Slurm was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from inceptionctl.runs.io import Record


@dataclass(frozen=True, kw_only=True)
class ExitStatus(Record):
    """exit.json: how the last process that worked on the run ended; absent while one does, or if it was killed.
    `log`: its log, relative to the run folder."""

    schema: Literal[1] = 1
    code: int
    message: str
    log: str | None = None


@dataclass(frozen=True, kw_only=True)
class Environment(Record):
    """env.json: where and with which versions the run was last worked on; not part of its identity."""

    schema: Literal[1] = 1
    versions: dict[str, str | None]
    git_commit: str | None
    platform: str
    processor: str
    cores: int | None
    device: str
    threads: int
    world_size: int


@dataclass(frozen=True, kw_only=True)
class Launcher(Record):
    """.pid: the command that runs the run on its own machine. `started`: when the process began, in clock ticks since
    the machine did, as /proc has it; `device` and `inode`: of the run folder, which a copy of it does not share."""

    schema: Literal[1] = 1
    host: str
    process: int
    started: int | None
    device: int
    inode: int


@dataclass(frozen=True, kw_only=True)
class Start(Record):
    """A line of starts.jsonl: rank 0 started to work on the run, at `step`, `at` seconds since 1970. `job` and
    `submission`, the folder of its script, relative to the run folder, are None outside Slurm. `log_bytes`: what was in
    its log by then."""

    schema: Literal[1] = 1
    at: float
    node: str
    job: str | None
    submission: str | None
    step: int
    log_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class SubmittedJob(Record):
    """A line of jobs.jsonl: a Slurm job that was submitted for the run, or is about to be. `submission`: the folder of
    its script, relative to the run folder; `path` and `inode`: of the run folder, of which a copy shares neither. `job`
    is None where submission.json has the id, of the request `request`; `task`: the run's own, if that is an array."""

    schema: Literal[1] = 1
    job: str | None = None
    submission: str
    path: str | None = None
    inode: int | None = None
    request: str | None = None
    task: int | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    """An sbatch. `word`: in the comment of its job, and of no other; `asked`: when, in seconds since 1970; `job`: the
    id that Slurm gave, None as long as no answer is known. `is_report`: whether it is for the job of the report."""

    word: str
    asked: float
    job: str | None = None
    is_report: bool = False


@dataclass(frozen=True, kw_only=True)
class Submission(Record):
    """slurm/*/submission.json: what Slurm was asked for, but for requests that it refused. `path` and `inode`: of the
    folder of the run or table, of which a copy shares neither. Those of schema 1 had no requests."""

    schema: Literal[1, 2] = 2
    requests: list[Request] = field(default_factory=list)
    path: str | None = None
    inode: int | None = None


@dataclass(frozen=True, kw_only=True)
class Divergence(Record):
    """diverged/step-*/report.json: the step at which training diverged. `loss` and `grad_norm` are text, since JSON has
    no NaN; `not_finite`: weights with NaN or inf; `images`: (epoch, index) of each image of the step."""

    schema: Literal[1] = 1
    step: int
    loss: str
    grad_norm: str
    lr: float
    not_finite: list[str]
    images: list[tuple[int, int]]
    settings: dict[str, Any]
