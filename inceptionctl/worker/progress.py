"""How far an evaluation is: rows of metrics.jsonl."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from inceptionctl.errors import warn
from inceptionctl.evaluation.outcome import Evaluation
from inceptionctl.files import FileError
from inceptionctl.runs.metrics import MetricsFile, read_metrics
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import ProgressRow

ROW_SECONDS = 2.0


class Counts(NamedTuple):
    """Images that are done, those of them that count, and those that are wrong."""

    done: int = 0
    counted: int = 0
    wrong: int = 0

    @classmethod
    def total(cls, evaluations: Iterable[Evaluation]) -> Counts:
        found = list(evaluations)
        counted = sum(one.n_images for one in found)
        right = sum(int(one.correct_N.sum()) for one in found)
        return cls(counted + sum(len(one.left_out_M) for one in found), counted, counted - right)

    def plus(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))


@dataclass
class ProgressLog:
    """Writes a row at most every two seconds, and the last one when it is closed. `before`: what was done when this
    process began."""

    metrics: MetricsFile
    before: Counts
    monotonic: Callable[[], float]

    def __post_init__(self) -> None:
        self.started = self.written = self.monotonic()
        self.now, self.shown = self.before, self.before

    @classmethod
    def open(cls, run: RunDir, before: Counts, monotonic: Callable[[], float]) -> ProgressLog:
        """Continues the rows up to what is done; those of batches that were lost are dropped."""
        try:
            rows = sum(row.step <= before.done for row in read_metrics(run.metrics))
        except FileError as error:
            warn(f"{error}; its rows are written anew")
            run.metrics.unlink()
            rows = 0
        return cls(MetricsFile(run.metrics, rows), before, monotonic)

    def add(self, counts: Counts) -> None:
        self.now = self.now.plus(counts)
        if self.monotonic() - self.written > ROW_SECONDS:
            self._write()

    def close(self) -> None:
        if self.now != self.shown:
            self._write()
        self.metrics.close()

    def _write(self) -> None:
        now, seconds = self.monotonic(), max(self.monotonic() - self.started, 1e-9)
        row = ProgressRow(
            step=self.now.done,
            top1_error=100 * self.now.wrong / max(1, self.now.counted),
            images_per_s=(self.now.done - self.before.done) / seconds,
            time_s=seconds,
        )
        self.metrics.write(row)
        self.written, self.shown = now, self.now
