"""Finds the run folders below an outputs folder, `outputs/<name>/<identity>-<attempt>/`, and makes new ones."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.errors import RequestError
from inceptionctl.runs.paths import RunDir

MAX_ATTEMPTS = 1000


@dataclass(frozen=True)
class RunIndex:
    """The run folders of every identity, from one listing: for whoever asks for many."""

    runs: dict[str, list[RunDir]]

    @classmethod
    def of(cls, outputs: Path) -> RunIndex:
        found: dict[str, list[RunDir]] = defaultdict(list)
        for run in _runs(outputs):
            found[_identity(run)].append(run)
        return cls({identity: _oldest_first(runs) for identity, runs in found.items()})

    def newest(self, identity: str, is_done: Callable[[RunDir], bool] = lambda run: run.finished) -> RunDir | None:
        """The newest run that is done, else the newest attempt, under whatever name."""
        runs = self.runs.get(identity, [])
        return next((run for run in reversed(runs) if is_done(run)), runs[-1] if runs else None)


def attempts(outputs: Path, identity: str) -> list[RunDir]:
    """The run folders of one identity under every name, oldest first."""
    return _oldest_first(_runs(outputs, identity))


def create(outputs: Path, name: str, identity: str) -> RunDir:
    """A new attempt's folder, exclusive: two commands never share one. Raises RequestError if it cannot be made."""
    for attempt in range(MAX_ATTEMPTS):
        path = outputs / name / f"{identity}-{attempt}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise RequestError(
                f"cannot make the run folder {path}: {error.strerror}\n  choose another place: outputs=DIR"
            ) from error
        return RunDir(path)
    raise RequestError(f"{outputs / name} has {MAX_ATTEMPTS} attempts of {identity}: remove some")


def _runs(outputs: Path, identity: str = "") -> Iterator[RunDir]:
    """Those of one identity, or all. A listing tells which entries are folders: no file is looked at."""
    for name in _folders(outputs):
        for path in _folders(name, f"{identity}-" if identity else ""):
            if path.name.rpartition("-")[2].isdecimal():
                yield RunDir(path)


def _folders(parent: Path, prefix: str = "") -> list[Path]:
    try:
        with os.scandir(parent) as entries:
            return [Path(entry) for entry in entries if entry.name.startswith(prefix) and entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _oldest_first(runs: Iterator[RunDir] | list[RunDir]) -> list[RunDir]:
    return sorted(runs, key=lambda run: (int(run.path.name.rpartition("-")[2]), str(run.path)))


def _identity(run: RunDir) -> str:
    return run.path.name.rpartition("-")[0]
