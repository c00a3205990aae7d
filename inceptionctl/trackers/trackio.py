"""`tracker=trackio`: Hugging Face's local tracker, with wandb's calls. Its database lies where trackio keeps it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from inceptionctl.settings import section
from inceptionctl.trackers.base import Row, TrackedRun, TrackerSettings, values

ELSEWHERE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")


@section
class Settings(TrackerSettings):
    """trackio, in its database of this machine; `trackio show` opens the charts."""

    name: Literal["trackio"]
    project: str
    """Name of the project there."""

    @property
    def target(self) -> str:
        return f"trackio project {self.project}"

    def open(self, run: TrackedRun) -> Trackio:
        if find_spec("trackio") is None:
            raise ModuleNotFoundError("trackio is not installed: pip install 'inceptionctl[trackio]'")
        return Trackio(self.project, run)


class Trackio:
    """A run's name there is its identity and attempt, which no other run has; the label is in its configuration."""

    def __init__(self, project: str, run: TrackedRun) -> None:
        import trackio

        self._project, self._title = project, run.label
        self._is_local = not any(map(os.environ.get, ELSEWHERE))
        self._run = trackio.init(
            project=project,
            name=run.id,
            group=run.group,
            config={"label": run.label, **run.config},
            resume="allow",
            embed=False,
            auto_log_cpu=False,
            auto_log_gpu=False,
        )
        self._written = self._kept = self._rows()

    def start(self, rows: Sequence[Row], sent: int) -> int:
        """Rows cannot be removed: those that a run writes again after it went back are the ones that were sent."""
        if not self._is_local:
            self._written = max(self._written, sent)
        return self._written

    def write(self, number: int, row: Row) -> None:
        self._run.log(values(row), step=row["step"])
        self._written = number + 1

    def flush(self) -> bool:
        return False  # a thread of its own writes, twice a second

    def report(self, title: str, files: Mapping[str, Path]) -> None:
        import trackio

        artifact = trackio.Artifact(f"report-{self._run.name}", type="report", description=title)
        for name, path in files.items():
            artifact.add_file(str(path), name=name)
        self._run.log_artifact(artifact)

    def close(self) -> None:
        """trackio only warns when it cannot write: so its rows are counted."""
        import trackio

        trackio.finish()
        if self._is_local and self._rows() < self._written:
            raise OSError(f"trackio has {self._rows()} of {self._written} rows")

    def _rows(self) -> int:
        import trackio

        return trackio.SQLiteStorage.get_log_count(self._project, run=self._run.name) if self._is_local else 0
