"""`tracker=tensorboard`: event files in the run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from inceptionctl.settings import section
from inceptionctl.trackers.base import Row, TrackerSettings, values

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


@section
class Settings(TrackerSettings):
    """TensorBoard's event files in the run folder; needs no server."""

    name: Literal["tensorboard"]

    def open(self, run: Path, config: Row) -> TensorBoard:
        return TensorBoard(run / "tensorboard")


class TensorBoard:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer = self._open(purge_step=None)

    def write(self, row: Row) -> None:
        for name, value in values(row).items():
            self._writer.add_scalar(name, value, row["step"])
        self._writer.flush()

    def rewind(self, step: int) -> None:
        self._writer.close()
        self._writer = self._open(purge_step=step + 1)

    def close(self) -> None:
        self._writer.close()

    def _open(self, purge_step: int | None) -> SummaryWriter:
        """`purge_step`: readers ignore what earlier event files have from this step on."""
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self._folder), purge_step=purge_step)
