"""`tracker=wandb`: Weights & Biases, online or offline. Its own files stay in the run folder."""

from __future__ import annotations

from typing import Literal

from inceptionctl.runs.paths import RunDir
from inceptionctl.trackers.base import Row, values


class WeightsAndBiases:
    def __init__(
        self, run: RunDir, project: str | None, mode: Literal["online", "offline"] | None, config: Row
    ) -> None:
        import wandb

        self._run = wandb.init(
            project=project,
            name=f"{run.path.parent.name}/{run.path.name}",
            id=run.path.name,
            resume="allow",
            mode=mode,
            dir=str(run.path),
            config=config,
            settings=wandb.Settings(console="off", save_code=False, disable_git=True),
        )

    def write(self, row: Row) -> None:
        self._run.log(values(row), step=row["step"])

    def close(self) -> None:
        import wandb

        self._run.finish()
        wandb.teardown()  # its service process writes what is left before it goes
