"""`tracker=tensorboard`: event files in the run folder."""

from __future__ import annotations

from torch.utils.tensorboard import SummaryWriter

from inceptionctl.runs.paths import RunDir
from inceptionctl.trackers.base import Row, values


class TensorBoard:
    def __init__(self, run: RunDir) -> None:
        self._writer = SummaryWriter(str(run.path / "tensorboard"))

    def write(self, row: Row) -> None:
        for name, value in values(row).items():
            self._writer.add_scalar(name, value, row["step"])
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
