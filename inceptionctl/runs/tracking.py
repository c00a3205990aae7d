"""Feeds trackers from metrics.jsonl. What each has for certain is kept in trackers/NAME.json of the run folder, so that
one that failed, or was killed, gets the rest later: when the run is resumed, or by `inceptionctl sync`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Lock

from inceptionctl.config.identity import identity
from inceptionctl.config.schema import Config
from inceptionctl.errors import InceptionctlError
from inceptionctl.files import FileError, MissingFileError, for_shell
from inceptionctl.runs.io import make_folder, read_record, write_record
from inceptionctl.runs.label import label_of
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import MetricRow
from inceptionctl.runs.records.tracking import TrackerState
from inceptionctl.trackers.base import TrackedRun, Tracker, TrackerSettings

SEED = re.compile(r"\bseed\b")
NOT_IN_IDS = re.compile(r"[^\w.-]+", re.ASCII)  # wandb's ids have no such characters


def tracked_run(run: RunDir, config: Config) -> TrackedRun:
    """What trackers are told of a run."""
    path = Path(os.path.abspath(run.path))
    name = path.name if run.identity else f"{identity(config)}-{NOT_IN_IDS.sub('-', path.name)}"
    label = label_of(run)
    label = label if SEED.search(label) else f"{label}, seed {config.seed}"
    return TrackedRun(folder=path, id=name, label=label, group=config.name, config=asdict(config))


def read_state(folder: Path, name: str, settings: TrackerSettings) -> TrackerState:
    """What the tracker has from this folder: nothing if rows went to another target before. Raises RecordError."""
    with suppress(MissingFileError):
        state = read_record(_file(folder, name), TrackerState)
        if state.target == settings.target:
            return state
    return TrackerState(target=settings.target)


def keep_at_most(folder: Path, rows: int) -> None:
    """No tracker counts as having rows that metrics.jsonl has lost: a run that went back writes them again."""
    for path in sorted(folder.glob("trackers/*.json")):
        with suppress(FileError, InceptionctlError):  # one that cannot be read is reported where it is needed
            state = read_record(path, TrackerState)
            if state.rows > rows:
                write_record(path, replace(state, rows=rows))


@dataclass
class Feed:
    """Sends rows to one tracker until it fails: that is reported once, and nothing is sent from then. `sent`: rows that
    it has for certain; `later`: what sends the rest, for the message of a failure."""

    name: str
    settings: TrackerSettings
    run: TrackedRun
    report: Callable[[str], None]
    later: str = ""
    sent: int = 0
    failed: bool = False
    _tracker: Tracker | None = None
    _number: int = 0  # of the next row
    _first: int = 0  # number of the first row that the tracker lacks
    _announced: int = 0
    _lock: Lock = field(default_factory=Lock)

    def open(self, rows: Sequence[MetricRow]) -> None:
        """Sends those of `rows` that the tracker does not have yet."""
        self._try(lambda: self._open(rows))

    def add(self, row: MetricRow) -> None:
        self._try(lambda: self._add(row))

    def announce_rewind(self) -> None:
        """From now until `rewind`, which may be called by another thread, no more rows are counted as sent."""
        with self._lock:
            self._announced += 1

    def rewind(self, rows: Sequence[MetricRow]) -> None:
        """The run has `rows` left, and goes on from there."""
        with self._lock:
            self._announced -= 1
        self._try(lambda: self._start(rows, min(self.sent, len(rows))))

    def flush(self) -> None:
        self._try(self._flush)

    def close(self) -> None:
        self._try(self._close)

    def _open(self, rows: Sequence[MetricRow]) -> None:
        state = read_state(self.run.folder, self.name, self.settings)
        self._tracker = self.settings.open(self.run)
        self._start(rows, min(state.rows, len(rows)))

    def _start(self, rows: Sequence[MetricRow], sent: int) -> None:
        if not self._tracker:
            return
        self.sent, self._number = sent, 0
        self._first = self._tracker.start([asdict(row) for row in rows], sent)
        for row in rows:
            self._add(row)
        self._flush()

    def _add(self, row: MetricRow) -> None:
        if self._tracker and self._number >= self._first:
            self._tracker.write(self._number, asdict(row))
        self._number += 1

    def _flush(self) -> None:
        if self._tracker and self._tracker.flush():
            self._confirm()

    def _close(self) -> None:
        tracker, self._tracker = self._tracker, None
        if tracker:
            tracker.close()
            self._confirm()

    def _confirm(self) -> None:
        with self._lock:
            if not self._announced and self.sent != self._number:
                self.sent = self._number
                write_state(self.run.folder, self.name, TrackerState(target=self.settings.target, rows=self.sent))

    def _try(self, action: Callable[[], None]) -> None:
        if self.failed:
            return
        try:
            action()
        except Exception as error:  # whatever a tracker raises: the run matters more
            self.failed, self._tracker = True, None
            self.report("; ".join(filter(None, (f"tracker {self.name} failed and is off: {said(error)}", self.later))))


def said(error: Exception) -> str:
    """What a tracker raised, in its words."""
    return f"{type(error).__name__}: {error}"


def by_sync(folder: Path) -> str:
    """What sends the rest."""
    return f"`inceptionctl sync {for_shell(folder)}` sends what it has not got"


def write_state(folder: Path, name: str, state: TrackerState) -> None:
    make_folder(folder / "trackers")
    write_record(_file(folder, name), state)


def _file(folder: Path, name: str) -> Path:
    return folder / "trackers" / f"{name}.json"
