"""Finds the run folders below an outputs folder, `outputs/<name>/<identity>-<attempt>/`, and makes new ones."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.errors import RequestError
from inceptionctl.files import FileError
from inceptionctl.runs.damage import is_sound, read_result
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

    @classmethod
    def of_table(cls, folder: Path, found_in: Sequence[str] = ()) -> RunIndex:
        """The runs in the folder of a table, wherever it was moved to, and under the other names beside it, and those
        of `found_in`: folders as seen from it, each of runs, or a run. Those in the folder itself count as the newest,
        then those beside it."""
        here = Path(os.path.abspath(folder))
        beside = {os.path.dirname(here), os.path.dirname(os.path.realpath(folder))}
        found: dict[str, list[RunDir]] = defaultdict(list)
        for place in (Path(os.path.normpath(here / name)) for name in found_in):
            if is_run_folder(place):
                found[_identity_within(RunDir(place))].append(RunDir(place))
            else:
                _add(found, [*_runs(place), *_runs_of_name(place)])
        _add(found, [run for place in sorted(beside) for run in _runs(Path(place))])
        _add(found, [*_runs_of_name(here)])
        return cls(found)

    def newest_first(self, identity: str) -> list[RunDir]:
        return self.runs.get(identity, [])[::-1]

    def newest(self, identity: str, is_done: Callable[[RunDir], bool] = is_sound) -> RunDir | None:
        """The newest run that is done, else the newest attempt, under whatever name."""
        runs = self.newest_first(identity)
        return next((run for run in runs if is_done(run)), runs[0] if runs else None)


def is_run_folder(path: Path) -> bool:
    """Whether a folder is that of a run, however damaged."""
    run = RunDir(path)
    return os.path.lexists(run.config) or (run.identity is not None and os.path.isdir(path))


def runs_below(folder: Path) -> list[RunDir]:
    """The runs in a folder and in those in it, by path."""
    names = _folders(folder)
    return [
        RunDir(path)
        for path in sorted([*names, *(path for name in names for path in _folders(name))])
        if is_run_folder(path)
    ]


def attempts(outputs: Path, identity: str) -> list[RunDir]:
    """The run folders of one identity under every name, oldest first."""
    return _oldest_first(_runs(outputs, identity))


def attempts_in(place: Path, identity: str) -> list[RunDir]:
    """The same below a folder that may also be that of one name."""
    return _oldest_first([*_runs(place, identity), *_runs_of_name(place, identity)])


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
        yield from _runs_of_name(name, identity)


def _runs_of_name(name: Path, identity: str = "") -> Iterator[RunDir]:
    for path in _folders(name, f"{identity}-" if identity else ""):
        if path.name.rpartition("-")[2].isdecimal():
            yield RunDir(path)


def _folders(parent: Path, prefix: str = "") -> list[Path]:
    try:
        with os.scandir(parent) as entries:
            return [Path(entry) for entry in entries if entry.name.startswith(prefix) and entry.is_dir()]
    except OSError:  # missing, no folder, or one of somebody else's
        return []


def _add(found: dict[str, list[RunDir]], runs: Iterable[RunDir]) -> None:
    for run in _oldest_first(runs):
        found[_identity(run)].append(run)


def _oldest_first(runs: Iterable[RunDir]) -> list[RunDir]:
    return sorted(runs, key=lambda run: (int(run.path.name.rpartition("-")[2]), str(run.path)))


def _identity(run: RunDir) -> str:
    return run.path.name.rpartition("-")[0]


def _identity_within(run: RunDir) -> str:
    """Of a folder that `run_dir` may have named: as its result says; empty if it has none."""
    try:
        return run.identity or read_result(run).identity
    except FileError:
        return ""
