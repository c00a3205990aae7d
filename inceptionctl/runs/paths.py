"""Every path of a run folder. The folder is the API: tools read its files, not processes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

ATTEMPT = re.compile(r"([0-9a-f]{12})-\d+")  # name of a run folder: identity and attempt
MANIFEST = "table.json"  # in the folder of a table, beside its run folders
PLAN = "plan.json"  # there too: what was expected before the runs
SPEED = "speed.json"  # in the folder of a table that is measured by speed
EXIT_RETRY = 75  # exit code (EX_TEMPFAIL of sysexits.h): a process was killed; trying again may well succeed


@dataclass(frozen=True)
class RunDir:
    path: Path

    @property
    def identity(self) -> str | None:
        """As the folder's name has it; None for a folder that `run_dir` named."""
        found = ATTEMPT.fullmatch(os.path.basename(os.path.abspath(self.path)))
        return found[1] if found else None

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def label(self) -> Path:
        """What was typed for the run."""
        return self.path / "label.json"

    @property
    def index(self) -> Path:
        """The images that the run was planned with."""
        return self.path / "index.npz"

    @property
    def env(self) -> Path:
        return self.path / "env.json"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def result(self) -> Path:
        """Written last: a run that has it is finished."""
        return self.path / "result.json"

    def evaluation(self, image_set: str, protocol: str, weights: str) -> Path:
        """The record of an evaluation; its arrays are beside it, in an .npz."""
        return self.path / "evaluations" / f"{image_set}.{protocol}.{weights}.json"

    @property
    def request(self) -> Path:
        """What the ranks of an evaluation do. A folder that has it is that of an evaluation, not of training."""
        return self.path / "request.json"

    @property
    def outcome(self) -> Path:
        """The record of an evaluation in its own folder, written last; its arrays are beside it, in an .npz."""
        return self.path / "evaluation.json"

    @property
    def parts(self) -> Path:
        """What the ranks of an evaluation have done so far."""
        return self.path / "parts"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def diverged(self) -> Path:
        return self.path / "diverged"

    def log(self, rank: int = 0) -> Path:
        return self.path / "log" / f"rank-{rank}.log"

    @property
    def launcher_log(self) -> Path:
        """The output of the process that starts the ranks, if there are several."""
        return self.path / "log" / "launcher.log"

    @property
    def starts(self) -> Path:
        return self.path / "starts.jsonl"

    @property
    def jobs(self) -> Path:
        return self.path / "jobs.jsonl"

    @property
    def exit(self) -> Path:
        """How the last work on the run ended; absent while a process works on it, and if that was killed."""
        return self.path / "exit.json"

    @property
    def lock(self) -> Path:
        """Held by the first rank while it works on the run."""
        return self.path / ".lock"

    @property
    def heartbeat(self) -> Path:
        """Touched by the first rank as it makes progress."""
        return self.path / ".heartbeat"

    @property
    def reserve(self) -> Path:
        """16 KiB that are freed before the last message is written, so that a full disk can still be reported."""
        return self.path / ".reserve"

    @property
    def pid(self) -> Path:
        """The command that runs the run on its own machine."""
        return self.path / ".pid"

    @property
    def finished(self) -> bool:
        """Whether a result was written; `runs.damage` tells whether it can be read."""
        return os.path.lexists(self.result) or os.path.lexists(self.outcome)

    @property
    def is_evaluation(self) -> bool:
        """Whether it is the folder of an evaluation."""
        return os.path.lexists(self.request)

    @property
    def resumable(self) -> bool:
        """Has a config and is not finished, whether or not it got as far as a checkpoint."""
        return os.path.lexists(self.config) and not self.finished
