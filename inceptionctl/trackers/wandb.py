"""`tracker=wandb`: Weights & Biases, whose own files stay in the run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from inceptionctl.settings import section
from inceptionctl.trackers.base import Row, TrackerSettings, values


@section
class Settings(TrackerSettings):
    """Weights & Biases."""

    name: Literal["wandb"]
    project: str
    """Name of the project there."""
    mode: Literal["online", "offline"]
    """online: rows are sent as they come; offline: they stay in the run folder until `wandb sync`."""

    def open(self, run: Path, config: Row) -> WeightsAndBiases:
        return WeightsAndBiases(self.project, self.mode, run, config)


class WeightsAndBiases:
    def __init__(self, project: str, mode: Literal["online", "offline"], run: Path, config: Row) -> None:
        import wandb

        self._run = wandb.init(
            project=project,
            name=f"{run.parent.name}/{run.name}",
            id=run.name,
            resume="allow",
            mode=mode,
            dir=str(run),
            config=config,
            settings=wandb.Settings(console="off", save_code=False, disable_git=True),
        )

    def write(self, row: Row) -> None:
        self._run.log(values(row), step=row["step"])

    def rewind(self, step: int) -> None:
        """Nothing to do: wandb keeps the first row of a step and ignores later ones."""

    def close(self) -> None:
        import wandb

        self._run.finish()
        wandb.teardown()  # its service process writes what is left before it goes
