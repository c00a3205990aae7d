"""Keeps a table's report with its trackers, as an artifact of a run that stands for the table."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from inceptionctl.config.identity import digest_of
from inceptionctl.files import for_shell, read_bytes
from inceptionctl.runs.tracking import NOT_IN_IDS, read_state, said, write_state
from inceptionctl.trackers.base import TrackedRun, TrackerSettings

MAX_REPORT_BYTES = 64 << 20
Outcome = Literal["sent", "up to date", "off", "failed"]


def log_report(
    trackers: Mapping[str, TrackerSettings],
    folder: Path,
    files: Mapping[str, Path],
    report: Callable[[str], None],
) -> dict[str, Outcome]:
    """Keeps a table's report, `files` by name, with each tracker that does not have this one yet. What was done, by
    tracker; failures are reported."""
    digest = digest_of({name: digest_of(read_bytes(path, MAX_REPORT_BYTES).hex()) for name, path in files.items()})
    return {name: _log_report(name, settings, folder, files, digest, report) for name, settings in trackers.items()}


def _log_report(
    name: str,
    settings: TrackerSettings,
    folder: Path,
    files: Mapping[str, Path],
    digest: str,
    report: Callable[[str], None],
) -> Outcome:
    try:
        state = read_state(folder, name, settings)
        if state.report == digest:
            return "up to date"
        tracker = settings.open(_tracked_table(folder))
        if tracker is None:
            return "off"
        tracker.report(folder.name, files)
        tracker.close()
        write_state(folder, name, replace(state, report=digest))
        return "sent"
    except Exception as error:  # whatever a tracker raises: the table is done
        report(f"tracker {name} failed: {said(error)}\n  `inceptionctl sync {for_shell(folder)}` sends the report")
        return "failed"


def _tracked_table(folder: Path) -> TrackedRun:
    """What trackers are told of a table, whose report is kept as a run of its own."""
    path = Path(os.path.abspath(folder))
    return TrackedRun(
        folder=path, id=f"table-{NOT_IN_IDS.sub('-', path.name)}", label=f"{path.name}: report", group=path.name
    )
