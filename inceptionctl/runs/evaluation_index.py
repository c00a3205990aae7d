"""Finds the evaluations of a table's cells: of a run in its folder, of an ensemble in a folder of its own."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from inceptionctl.files import FileError
from inceptionctl.runs.damage import read_result
from inceptionctl.runs.find import RunIndex
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import EvaluationRequest


@dataclass(frozen=True)
class EvaluationKey:
    """What tells an evaluation from others: the identities of its runs, in order, several for an ensemble; the names of
    its images and of its protocol; and which weights of the runs."""

    identities: tuple[str, ...]
    image_set: str
    protocol: str
    weights: str


@dataclass(frozen=True)
class EvaluationIndex:
    """`runs`: the folders of runs and of evaluations."""

    runs: RunIndex

    def find(self, key: EvaluationKey) -> Path | None:
        """The record of a finished evaluation, whether or not it can be read; None if there is none."""
        if len(key.identities) > 1:
            return next((run.outcome for run in self.ensembles(key) if run.finished), None)
        return next((path for run in self.runs.newest_first(key.identities[0]) if (path := _of_run(run, key))), None)

    def ensembles(self, key: EvaluationKey) -> list[RunDir]:
        """The folders in which an evaluation of an ensemble was begun, newest first."""
        return self._ensembles.get(key, [])[::-1]

    @cached_property
    def _ensembles(self) -> dict[EvaluationKey, list[RunDir]]:
        found: dict[EvaluationKey, list[RunDir]] = defaultdict(list)
        for attempts in self.runs.runs.values():
            for run in filter(_is_evaluation, attempts):
                if key := _asked(run):
                    found[key].append(run)
        return dict(found)


def _of_run(run: RunDir, key: EvaluationKey) -> Path | None:
    path = run.evaluation(key.image_set, key.protocol, key.weights)
    try:
        listed = {run.path / one.file for one in read_result(run).evaluations}
    except FileError:  # not finished, or damaged
        return None
    return path if path in listed else None


def _is_evaluation(run: RunDir) -> bool:
    return run.is_evaluation


def _asked(run: RunDir) -> EvaluationKey | None:
    """What an evaluation's folder is for; None if that is no ensemble of runs, or cannot be read."""
    try:
        request = read_record(run.request, EvaluationRequest)
    except FileError:
        return None
    identities = tuple(member.identity for member in request.members if member.identity)
    weights = {member.weights for member in request.members}
    images = request.image_set
    if len(identities) != len(request.members) or len(identities) < 2 or len(weights) > 1:
        return None
    if images.blacklist or images.labels != "own":
        return None
    return EvaluationKey(identities, images.name, request.protocol.name, *weights)
