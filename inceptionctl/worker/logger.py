"""What is written down of a run while it is worked on: its rows, how long it took, and what else it has behind it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from inceptionctl.config.schema import Config
from inceptionctl.errors import warn
from inceptionctl.runs.environment import describe
from inceptionctl.runs.io import write_record
from inceptionctl.runs.metrics import MetricsFile
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import MetricRow
from inceptionctl.trackers.base import Guarded, Tracker


@dataclass
class Progress:
    """Kept with every checkpoint. `best`: step and top-1 error, in percent, of the one that does best on the dev
    split; `wall_s`: seconds of work up to it."""

    rows: int = 0
    wall_s: float = 0.0
    unreadable: int = 0
    rollbacks: int = 0
    best: tuple[int, float] | None = None


@dataclass
class Record:
    """`sinks`: where rows go; ranks but the first have none, and only count. `monotonic`: the clock of durations."""

    progress: Progress = field(default_factory=Progress)
    sinks: list[MetricsFile | Tracker] = field(default_factory=list)
    monotonic: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self.started = self.rows_since = self.saved = self.monotonic()

    def open(self, run: RunDir, config: Config, device: str, threads: int, ranks: int) -> None:
        """Goes on with the files of `run`; notes what it runs on."""
        write_record(run.env, describe(device, threads, ranks))
        settings = config.tracker
        tracker = Guarded(settings.name, lambda: settings.open(run.path, asdict(config)), warn)
        self.sinks = [MetricsFile(run.metrics, self.progress.rows), tracker]

    def write(self, row: MetricRow) -> None:
        self.progress.rows += 1
        values = {key: value for key, value in asdict(row).items() if key != "schema"}
        for sink in self.sinks:
            if isinstance(sink, MetricsFile):
                sink.write(row)
            else:
                sink.write(values)

    def cut(self) -> None:
        """Takes back the rows that came after the last checkpoint."""
        for sink in self.sinks:
            if isinstance(sink, MetricsFile):
                sink.cut(self.progress.rows)

    def close(self) -> None:
        for sink in self.sinks:
            sink.close()

    @property
    def wall_s(self) -> float:
        """Seconds of work on this run, those before interruptions included."""
        return self.progress.wall_s + self.monotonic() - self.started

    def restart_rate(self) -> None:
        """Time that is not spent on training does not count in its rate."""
        self.rows_since = self.monotonic()

    def images_per_s(self, images: int) -> float:
        """Of the `images` since the last row."""
        return images / max(self.monotonic() - self.rows_since, 1e-9)

    def unsaved_s(self) -> float:
        """Seconds of work that a power cut would cost."""
        return self.monotonic() - self.saved

    def note_saved(self) -> None:
        self.saved = self.monotonic()

    def state(self) -> dict[str, Any]:
        return asdict(self.progress) | {"wall_s": self.wall_s}

    def restore(self, state: dict[str, Any]) -> None:
        self.progress, self.started = Progress(**state), self.monotonic()
