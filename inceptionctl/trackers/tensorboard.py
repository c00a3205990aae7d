"""`tracker=tensorboard`: event files in the run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from inceptionctl.settings import section
from inceptionctl.trackers.base import Row, TrackedRun, TrackerSettings, step_start, values

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


@section
class Settings(TrackerSettings):
    """TensorBoard's event files in the run folder; needs no server."""

    name: Literal["tensorboard"]

    @property
    def target(self) -> str:
        return "tensorboard/"

    def open(self, run: TrackedRun) -> TensorBoard:
        return TensorBoard(run.folder / "tensorboard")


class TensorBoard:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: SummaryWriter | None = None

    def start(self, rows: Sequence[Row], sent: int) -> int:
        """Readers ignore what earlier event files have from the step of the last row on: that step is written again."""
        if self._writer:
            self._writer.close()
        first = step_start(rows, sent)
        purge_step = rows[first]["step"] if first < len(rows) else 0
        self._writer = self._open(purge_step if self._folder.exists() else None)
        return first

    def write(self, number: int, row: Row) -> None:
        for name, value in values(row).items():
            self._open_writer.add_scalar(name, value, row["step"])

    def flush(self) -> bool:
        self._open_writer.flush()
        return True

    def report(self, title: str, files: Mapping[str, Path]) -> None:
        """Texts and PNG images; TensorBoard shows no other."""
        import numpy as np
        from PIL import Image

        for name, path in files.items():
            if path.suffix == ".md":
                self._open_writer.add_text(name, path.read_text(encoding="utf-8"))
            elif path.suffix == ".png":
                with Image.open(path) as image:
                    self._open_writer.add_image(name, np.asarray(image.convert("RGB")), dataformats="HWC")
        self._open_writer.flush()

    def close(self) -> None:
        self._open_writer.close()

    @property
    def _open_writer(self) -> SummaryWriter:
        if self._writer is None:
            self._writer = self._open(None)
        return self._writer

    def _open(self, purge_step: int | None) -> SummaryWriter:
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self._folder), purge_step=purge_step)
