"""Writes the rows of metrics of a run to metrics.jsonl, from which its trackers are fed, and measures its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from inceptionctl.config.schema import Config
from inceptionctl.errors import warn
from inceptionctl.evaluation.outcome import Evaluation
from inceptionctl.files import FileError
from inceptionctl.runs.metrics import MetricsFile, read_metrics
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import EvalRow, MetricRow, OptimizerRow, Purpose, TrainRow
from inceptionctl.runs.tracking import Feed, by_sync, keep_at_most, tracked_run
from inceptionctl.runs.tracking_thread import CLOSE_TIMEOUT_S, FeedThread
from inceptionctl.training.clock import Clock
from inceptionctl.training.meters import StepMeans

HURRIED_S = 10.0  # a cluster gives a process that it stops about 30


@dataclass
class Progress:
    """What a checkpoint keeps of a run besides its training state. `rows` of metrics; `wall_s`: seconds of work;
    `unreadable`: training images left out or replaced so far, and `unreadable_images`: their places, each once; `best`:
    step and top-1 error, in percent, of the best checkpoint on the dev split."""

    rows: int = 0
    wall_s: float = 0.0
    unreadable: int = 0
    unreadable_images: list[int] = field(default_factory=list)
    rollbacks: int = 0
    best: tuple[int, float] | None = None


@dataclass
class RunLogger:
    """Rank 0 calls `open`; other ranks write nothing and only count. `monotonic`: the clock of all durations."""

    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    progress: Progress = field(default_factory=Progress)
    run: RunDir | None = None
    metrics: MetricsFile | None = None
    trackers: Sequence[FeedThread] = ()

    def __post_init__(self) -> None:
        self._started = self._timer = self._saved = self.monotonic()

    def open(self, run: RunDir, config: Config) -> None:
        """Continues the metrics of `run` where its last checkpoint was; its trackers get what they lack."""
        self.run = run
        self.metrics = MetricsFile(run.metrics, self.progress.rows)
        keep_at_most(run.path, self.metrics.rows)
        if chosen := config.tracker.chosen:
            tracked = tracked_run(run, config)
            self.trackers = [
                FeedThread(Feed(name, one, tracked, warn, by_sync(tracked.folder))) for name, one in chosen.items()
            ]
            self._for_trackers(FeedThread.open)

    def log_train(self, means: StepMeans, lr: float, num_images: int) -> None:
        """`means` over the steps since the last such row, which trained on `num_images`."""
        self.progress.unreadable += means.unreadable
        self.progress.unreadable_images = sorted({*self.progress.unreadable_images, *means.unreadable_images})
        speed = num_images / max(self.monotonic() - self._timer, 1e-9)
        figures = {name: getattr(means, name) for name in ("loss", "grad_norm", "unreadable")}
        self._write(TrainRow(**self._position, **figures, lr=lr, images_per_s=speed, time_s=self.wall_s))
        self._timer = self.monotonic()

    def log_eval(self, weights: str, purpose: Purpose, evaluation: Evaluation) -> None:
        self._write(EvalRow(**self._position, weights=weights, purpose=purpose, **evaluation.metrics()))

    def log_optimizer(self, statistics: Mapping[str, Any]) -> None:
        self._write(OptimizerRow(**self._position, **statistics))

    def rewind(self) -> None:
        """Drops the rows after the checkpoint that has just been restored."""
        if not self.metrics or not self.run:
            return
        for tracker in self.trackers:
            tracker.announce_rewind()
        self.metrics.cut(self.progress.rows)
        keep_at_most(self.run.path, self.metrics.rows)
        self._for_trackers(FeedThread.rewind)

    def close(self, hurried: bool = False) -> None:
        """Waits for trackers, for a short time if the process is told to stop: what they lack is sent later."""
        if self.metrics:
            self.metrics.close()
        for tracker in self.trackers:
            tracker.close(HURRIED_S if hurried else CLOSE_TIMEOUT_S)

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
        if self.metrics:
            self.metrics.write(row)
        for tracker in self.trackers:
            tracker.add(row)

    def _for_trackers(self, action: Callable[[FeedThread, list[MetricRow]], None]) -> None:
        """Hands every row so far to each tracker. None can be fed from a damaged file; the run goes on."""
        try:
            rows = read_metrics(self.run.metrics) if self.run and self.trackers else []
        except FileError as error:
            warn(f"trackers are off: {error}")
            self.trackers = ()
        for tracker in self.trackers:
            action(tracker, rows)
