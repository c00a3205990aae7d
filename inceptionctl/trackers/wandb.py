"""`tracker=wandb`: Weights & Biases, whose own files stay in the run folder."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from inceptionctl import processes
from inceptionctl.settings import section
from inceptionctl.trackers.base import Row, TrackedRun, TrackerSettings, values

INIT_TIMEOUT_S, FINISH_TIMEOUT_S = 30.0, 60.0  # a server that does not answer must not hold up the end of a run
STEP = "step"  # of training: the axis of all charts


@section
class Settings(TrackerSettings):
    """Weights & Biases."""

    name: Literal["wandb"]
    project: str
    """Name of the project there."""
    entity: str | None
    """Team or user that the project belongs to; null: the default of the API key."""
    mode: Literal["online", "offline", "disabled"]
    """online: rows are sent as they come; offline: they stay in the run folder until `wandb sync`; disabled: none."""

    @property
    def target(self) -> str:
        return "wandb/" if self.mode == "offline" else f"{self.entity or 'default entity'}/{self.project}"

    @property
    def sent_on_by(self) -> str:
        return "offline: --tracker wandb tracker.wandb.mode=online sends them on" if self.mode == "offline" else ""

    def open(self, run: TrackedRun) -> WeightsAndBiases | None:
        return None if self.mode == "disabled" else WeightsAndBiases(self, run)


class WeightsAndBiases:
    """A row of `metrics.jsonl` is a row of the history; its number is wandb's own step, and the step of training the
    axis of every chart. So each row is sent once, whatever was sent before."""

    def __init__(self, settings: Settings, run: TrackedRun) -> None:
        import wandb

        _obey_no_current_folder()
        self._folder = run.folder
        self._run = wandb.init(
            project=settings.project,
            entity=settings.entity,
            name=run.label,
            group=run.group,
            id=run.id,
            resume="allow",
            mode=settings.mode,
            dir=str(run.folder),
            config=run.config,
            settings=wandb.Settings(
                console="off", silent=True, save_code=False, disable_git=True, init_timeout=INIT_TIMEOUT_S,
                finish_timeout=FINISH_TIMEOUT_S, finish_timeout_raises=True,
            ),
        )  # fmt: skip
        offline = settings.mode == "offline"
        if not offline:
            print(f"wandb: {run.label}: {self._run.url}", file=sys.stderr)
        self._run.define_metric(STEP)
        self._run.define_metric("*", step_metric=STEP)
        self._kept = _rows_in_files(run.folder, run.id) if offline else self._run.starting_step

    def start(self, rows: Sequence[Row], sent: int) -> int:
        """wandb removes no row: those that a run writes again after it went back are the ones that were sent."""
        self._kept = max(self._kept, sent)
        return self._kept

    def write(self, number: int, row: Row) -> None:
        self._run.log({**values(row), STEP: row["step"]}, step=number, commit=True)
        self._kept = number + 1

    def flush(self) -> bool:
        return False  # its service process writes when it likes: only the end of a session is certain

    def report(self, title: str, files: Mapping[str, Path]) -> None:
        import wandb

        with _staging_in(self._folder):
            artifact = wandb.Artifact(f"report-{self._run.id}", type="report", description=title)
            for name, path in files.items():
                artifact.add_file(str(path), name=name)
            self._run.log_artifact(artifact)

    def close(self) -> None:
        import wandb

        self._run.finish()
        wandb.teardown()  # its service process writes what is left before it goes


def _obey_no_current_folder() -> None:
    """wandb takes settings from a `wandb/settings` in the current folder, the server that gets the API key among them:
    a folder that somebody sent may have one. Those of the user and of the environment stay."""
    from wandb.sdk.wandb_settings import Settings

    Settings.settings_workspace = property(lambda _: os.devnull)


def read_log(file: Path) -> Iterator[dict[str, Any]]:
    """The records of a `.wandb` file, by wandb's own reader; those before the damage of one that is cut off."""
    from wandb.util import get_core_path

    words = ["leet", "inspect", "--json", "--no-observability", "--run-file", str(file), str(file.parent)]
    printed = processes.run([get_core_path(), *words]).output
    return (json.loads(line) for line in printed.splitlines() if line.startswith(b"{"))


def _rows_in_files(folder: Path, run_id: str) -> int:
    """How many rows the sessions before this one have written."""
    files = sorted(folder.glob(f"wandb/offline-run-*/run-{run_id}.wandb"))
    steps = (r["history"]["step"].get("num", 0) for file in files for r in read_log(file) if r["type"] == "history")
    return max(steps, default=-1) + 1


@contextmanager
def _staging_in(folder: Path) -> Iterator[None]:
    """Copies of artifacts, which offline wait for `wandb sync`, stay with the other files of wandb."""
    before = os.environ.get("WANDB_DATA_DIR")
    os.environ["WANDB_DATA_DIR"] = str(folder / "wandb" / "data")
    try:
        yield
    finally:
        os.environ.pop("WANDB_DATA_DIR")
        if before is not None:
            os.environ["WANDB_DATA_DIR"] = before
