"""Sends to trackers what they have not got: rows of runs, reports of tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from inceptionctl.errors import InceptionctlError
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.find import is_run_folder, runs_below
from inceptionctl.runs.metrics import read_metrics
from inceptionctl.runs.paths import MANIFEST, RunDir
from inceptionctl.runs.state import is_locked
from inceptionctl.runs.tracked_report import log_report
from inceptionctl.runs.tracking import Feed, read_state, tracked_run
from inceptionctl.trackers.base import TrackerSettings

Outcome = Literal["sent", "up to date", "off", "running", "no tracker", "failed"]
Trackers = Mapping[str, TrackerSettings]
REPORT_SUFFIXES = {".md", ".csv", ".json", ".tex", ".html", ".svg", ".png", ".pdf"}


@dataclass(frozen=True, kw_only=True)
class Sync:
    """What was done for a run or a table. `rows`: of metrics.jsonl; `sent`: how many went to the tracker now; `note`:
    what sends on those that stay on this machine."""

    folder: Path
    what: Literal["run", "report"]
    tracker: str | None
    outcome: Outcome
    rows: int = 0
    sent: int = 0
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"folder": str(self.folder)}


def sync(folder: Path, trackers: Trackers | None, report: Callable[[str], None]) -> Iterator[Sync]:
    """For the run in `folder`, or the runs and tables in it, one after the other. `trackers`: instead of each run's
    own."""
    for run in [RunDir(folder)] if is_run_folder(folder) else runs_below(folder):
        if not run.is_evaluation:
            yield from _sync_run(run, trackers, report)
    for table in sorted(path.parent for pattern in (MANIFEST, f"*/{MANIFEST}") for path in folder.glob(pattern)):
        yield from _sync_report(table, trackers, report)


def report_files(folder: Path) -> dict[str, Path]:
    """A table's report: its texts and figures, by name."""
    files = (path for path in folder.iterdir() if path.suffix in REPORT_SUFFIXES and path.name != MANIFEST)
    return {path.name: path for path in sorted(files) if path.is_file() and not path.name.startswith(".")}


def track_report(folder: Path, trackers: Trackers, report: Callable[[str], None]) -> Mapping[str, Outcome]:
    """Keeps the report of the table in `folder`, if there is one, with trackers that do not have it yet: what was done,
    by tracker."""
    files = report_files(folder) if trackers else {}
    return log_report(trackers, folder, files, report) if files else {}


def _sync_run(run: RunDir, trackers: Trackers | None, report: Callable[[str], None]) -> Iterator[Sync]:
    try:
        config = read_config(run)
        chosen = config.tracker.chosen if trackers is None else trackers
        rows = read_metrics(run.metrics) if chosen else []
        running = is_locked(run)
        if not chosen or running:
            yield Sync(folder=run.path, what="run", tracker=None, outcome="running" if running else "no tracker")
            return
        for name, settings in chosen.items():
            before = read_state(run.path, name, settings).rows
            outcome: Outcome = "up to date"
            sent = 0
            if before < len(rows):
                feed = Feed(name, settings, tracked_run(run, config), report)
                feed.open(rows)
                feed.close()
                sent = max(0, feed.sent - before)
                outcome = "failed" if feed.failed else "sent" if feed.sent else "off"
            yield Sync(
                folder=run.path,
                what="run",
                tracker=name,
                outcome=outcome,
                rows=len(rows),
                sent=sent,
                note=settings.sent_on_by,
            )
    except InceptionctlError as error:
        report(str(error))
        yield Sync(folder=run.path, what="run", tracker=None, outcome="failed")


def _sync_report(folder: Path, trackers: Trackers | None, report: Callable[[str], None]) -> Iterator[Sync]:
    chosen = trackers_of_table(folder) if trackers is None else trackers
    for name, outcome in track_report(folder, chosen, report).items():
        yield Sync(folder=folder, what="report", tracker=name, outcome=outcome)


def trackers_of_table(folder: Path) -> Trackers:
    """Those of its first run whose settings can be read: all cells have the same."""
    for run in runs_below(folder):
        with suppress(InceptionctlError):
            return read_config(run).tracker.chosen
    return {}
