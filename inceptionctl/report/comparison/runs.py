"""The runs that a comparison is of, with how each was evaluated."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from inceptionctl.config.identity import digest_of
from inceptionctl.errors import RequestError, count, warn
from inceptionctl.files import FileError
from inceptionctl.runs.damage import read_own_evaluation, read_result
from inceptionctl.runs.find import is_run_folder, runs_below
from inceptionctl.runs.label import label_of
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.result import Result
from inceptionctl.runs.settings import Settings, read_settings

WEIGHTS: Literal["ema"] = "ema"
NAMED = "name run folders, or folders that hold them"


@dataclass(frozen=True)
class Way:
    """Images and protocol of an evaluation. `digest`: of all that they are, so that two that only share their names are
    two; `said`: in words."""

    image_set: str
    protocol: str
    digest: str
    said: str


@dataclass(frozen=True, kw_only=True)
class ComparedRun:
    """A finished run. `place`: the folder that was named for it, which holds it or is it."""

    run: RunDir
    result: Result
    label: str
    settings: Settings
    ways: tuple[Way, ...]
    place: Path


def runs_of(paths: Sequence[Path]) -> list[ComparedRun]:
    """The finished runs that are named or lie in the folders that are named, one for each identity: the newest. Those
    that are not finished or cannot be read are said. Raises RequestError if there are none."""
    found: dict[str, ComparedRun] = {}
    unfinished = 0
    for run, place in _listed(paths):
        if not run.finished:
            unfinished += 1
            continue
        try:
            one = _read(run, place)
        except FileError as error:
            warn(f"{error}\n  this run is not compared")
            continue
        before = found.get(one.result.identity)
        if before is None or _attempt(run) >= _attempt(before.run):
            found[one.result.identity] = one
    if unfinished:
        warn(f"{count(unfinished, 'run')} not finished, and not compared")
    if not found:
        raise RequestError(f"no finished run in {', '.join(map(str, paths))}: {NAMED}")
    return list(found.values()) if all(map(is_run_folder, paths)) else sorted(found.values(), key=_shortest_first)


def _shortest_first(one: ComparedRun) -> tuple[int, str, int]:
    """A run for which nothing was typed is what the others are compared with."""
    return len(one.label.split()), one.label, one.result.seed


def _listed(paths: Sequence[Path]) -> Iterator[tuple[RunDir, Path]]:
    for path in paths:
        if not os.path.isdir(path):
            raise RequestError(f"{path} is not a folder: {NAMED}")
        if is_run_folder(path):
            yield RunDir(path), path
            continue
        below = runs_below(path)
        if not below:
            raise RequestError(f"no run in {path}: {NAMED}")
        yield from ((run, path) for run in below if not run.is_evaluation)


def _read(run: RunDir, place: Path) -> ComparedRun:
    """Raises FileError."""
    result = read_result(run)
    return ComparedRun(
        run=run,
        result=result,
        label=label_of(run),
        settings=read_settings(run),
        ways=tuple(_way(run, result, one.file) for one in result.evaluations if one.weights == WEIGHTS),
        place=place,
    )


def _way(run: RunDir, result: Result, file: str) -> Way:
    record = read_own_evaluation(run, result, run.path / file)
    images, protocol = record.image_set, record.protocol
    facts = {key: value for key, value in asdict(images).items() if key != "root"} | {"n": record.n_images}
    said = f"{record.n_images:,} images of {images.data}, {images.name}, by {protocol.name}"
    return Way(images.name, protocol.name, digest_of([facts, asdict(protocol)]), said)


def _attempt(run: RunDir) -> int:
    end = run.path.name.rpartition("-")[2]
    return int(end) if end.isdecimal() else 0
