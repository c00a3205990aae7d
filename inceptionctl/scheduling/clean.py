"""Finds the checkpoints that `clean` may remove: those of finished runs, and of an unfinished one that is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.errors import CheckpointError, RequestError
from inceptionctl.files import from_here
from inceptionctl.runs.find import is_run_folder, runs_below
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.removable import Removable, removable
from inceptionctl.runs.state import run_state
from inceptionctl.scheduling.monitor import collect_status


@dataclass(frozen=True)
class LeftAlone:
    """A run that has checkpoints and is not cleaned, and why."""

    run: RunDir
    reason: str


@dataclass(frozen=True)
class Cleaning:
    """`found`: runs of which something goes."""

    found: list[Removable]
    left_alone: list[LeftAlone]


def look(folders: Sequence[Path], all_checkpoints: bool) -> Cleaning:
    """What goes in these folders, of a run or of many. Raises RequestError for one without runs, and for a named run
    that is being worked on."""
    found, left_alone = dict[Path, Removable](), dict[Path, LeftAlone]()
    for run, named in _runs(folders).values():
        here = run.path.resolve()
        state = run_state(run).state
        if state != "done" and not named:
            how = "" if state == "running" else ": name its folder to clean it all the same"
            left_alone[here] = LeftAlone(run, f"{state}{how}")
            continue
        try:
            found[here] = removable(run, all_checkpoints)
        except (CheckpointError, KeyError, TypeError, IndexError) as error:
            left_alone[here] = LeftAlone(run, str(error))
    return Cleaning(
        [one for one in found.values() if one.paths],
        [one for one in left_alone.values() if any(one.run.checkpoints.glob("*step-*"))],
    )


def _runs(folders: Sequence[Path]) -> dict[Path, tuple[RunDir, bool]]:
    """Each run once, and whether its own folder was named."""
    found = dict[Path, tuple[RunDir, bool]]()
    for folder in folders:
        named = is_run_folder(folder)
        runs = [RunDir(folder)] if named else runs_below(folder)
        if not runs:
            raise RequestError(
                f"there is no run in {folder}\n  name the folder of a run, of a table or of many of them"
            )
        if named:
            _check_named(runs[0])
        found |= {run.path.resolve(): (run, named) for run in runs if named or run.path.resolve() not in found}
    return {path: (run, named) for path, (run, named) in found.items() if not run.is_evaluation}


def _check_named(run: RunDir) -> None:
    here = from_here(run.path)
    if run.is_evaluation:
        raise RequestError(f"{here} is the folder of an evaluation, which has no checkpoints")
    (status,) = collect_status(run.path).runs
    if status.open:
        raise RequestError(f"{here} is {status.state}\n  stop it first: inceptionctl cancel {here}")
