"""Writes the rows of metrics of a run, to metrics.jsonl and to a tracker, and measures its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from inceptionctl.config.schema import Config
from inceptionctl.errors import warn
from inceptionctl.evaluation.outcome import Evaluation
from inceptionctl.runs.metrics import MetricsFile
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import EvalRow, MetricRow, OptimizerRow, Purpose, TrainRow
from inceptionctl.trackers.base import Guarded, Tracker
from inceptionctl.training.clock import Clock
from inceptionctl.training.meters import StepMeans


@dataclass
class Progress:
    """What a checkpoint keeps of a run besides its training state. `rows` of metrics; `wall_s`: seconds of work;
    `unreadable` training images; `best`: step and top-1 error, in percent, of the best checkpoint on the dev split."""

    rows: int = 0
    wall_s: float = 0.0
    unreadable: int = 0
    rollbacks: int = 0
    best: tuple[int, float] | None = None


@dataclass
class RunLogger:
    """Rank 0 calls `open`; other ranks write nothing and only count. `monotonic`: the clock of all durations."""

    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    progress: Progress = field(default_factory=Progress)
    metrics: MetricsFile | None = None
    tracker: Tracker | None = None

    def __post_init__(self) -> None:
        self._started = self._timer = self._saved = self.monotonic()

    def open(self, run: RunDir, config: Config) -> None:
        """Continues the metrics of `run` where its last checkpoint was, and opens the tracker."""
        self.metrics = MetricsFile(run.metrics, self.progress.rows)
        self.tracker = Guarded(config.tracker.name, lambda: config.tracker.open(run.path, asdict(config)), warn)
        if self.clock.step:
            self.tracker.rewind(self.clock.step)

    def log_train(self, means: StepMeans, lr: float, num_images: int) -> None:
        """`means` over the steps since the last such row, which trained on `num_images`."""
        self.progress.unreadable += means.unreadable
        speed = num_images / max(self.monotonic() - self._timer, 1e-9)
        self._write(TrainRow(**self._position, **asdict(means), lr=lr, images_per_s=speed, time_s=self.wall_s))
        self._timer = self.monotonic()

    def log_eval(self, weights: str, purpose: Purpose, evaluation: Evaluation) -> None:
        self._write(EvalRow(**self._position, weights=weights, purpose=purpose, **evaluation.metrics()))

    def log_optimizer(self, statistics: Mapping[str, Any]) -> None:
        self._write(OptimizerRow(**self._position, **statistics))

    def rewind(self) -> None:
        """Drops the rows after the checkpoint that has just been restored."""
        if self.metrics and self.tracker:
            self.metrics.cut(self.progress.rows)
            self.tracker.rewind(self.clock.step)

    def close(self) -> None:
        if self.metrics and self.tracker:
            self.metrics.close()
            self.tracker.close()

    @contextmanager
    def not_timed(self) -> Iterator[None]:
        """What is done here, an evaluation, does not count in the images per second of the next row."""
        before = self.monotonic()
        yield
        self._timer += self.monotonic() - before

    @property
    def wall_s(self) -> float:
        """Seconds of work on this run, before interruptions too."""
        return self.progress.wall_s + self.monotonic() - self._started

    @property
    def unsaved_s(self) -> float:
        """Seconds since the last checkpoint."""
        return self.monotonic() - self._saved

    def mark_saved(self) -> None:
        self._saved = self.monotonic()

    def state_dict(self) -> dict[str, Any]:
        return asdict(self.progress) | {"wall_s": self.wall_s}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.progress, self._started = Progress(**state), self.monotonic()

    @property
    def _position(self) -> dict[str, Any]:
        return {"step": self.clock.step, "epoch": self.clock.epoch}

    def _write(self, row: MetricRow) -> None:
        self.progress.rows += 1
        if self.metrics and self.tracker:
            self.metrics.write(row)
            self.tracker.write(asdict(row))
