"""Writes what an evaluation came to: in its own folder and, of a single run, in that run's too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inceptionctl.data.index import FileList
from inceptionctl.errors import DataError, warn
from inceptionctl.evaluation.outcome import Evaluation, Figures
from inceptionctl.files import FileError
from inceptionctl.runs.damage import read_result
from inceptionctl.runs.evaluations import Predictions, write_at, write_evaluation
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import (
    EvaluationRecord,
    EvaluationRequest,
    EvaluationSummary,
    MemberRecord,
    SubsetRecord,
)
from inceptionctl.worker.lock import acquire
from inceptionctl.worker.results import figures, predictions

LOCK_SECONDS = 60.0  # a run that is worked on may be about to end


@dataclass(frozen=True)
class Outcome:
    """Of the evaluation in the folder `run`. `group_N`: source of each image of the set; `files`: where they are read
    from; `device`: by its name."""

    run: RunDir
    request: EvaluationRequest
    group_N: np.ndarray
    files: FileList | None
    device: str

    def write(self, evaluation: Evaluation) -> None:
        """The record comes last: the evaluation is finished then. Raises DataError if not one image could be read."""
        if not evaluation.read_N.any():
            raise DataError("not one of the images to evaluate on can be read")
        record = self._record(evaluation)
        found = predictions(evaluation, self.group_N, self.files)
        members = self.request.members
        if len(members) == 1 and members[0].run:
            self._add_to(RunDir(Path(members[0].run)), record, found)
        write_at(self.run.outcome, record, found)

    def _add_to(self, run: RunDir, record: EvaluationRecord, found: Predictions) -> None:
        """Raises RequestError while another process works on `run`; one of somebody else stays as it is."""
        try:
            with acquire(run, LOCK_SECONDS):
                add_summary(run, write_evaluation(run, record, found))
        except OSError as error:
            warn(f"{run.path} cannot be written to: {error.strerror}; the evaluation is in {self.run.path} alone")

    def _record(self, evaluation: Evaluation) -> EvaluationRecord:
        request, members = self.request, self.request.members
        alone, without = evaluation.subsets[: len(members)], evaluation.subsets[len(members) :]
        return EvaluationRecord(
            image_set=request.image_set,
            protocol=request.protocol,
            weights=members[0].weights if len(members) == 1 else f"{len(members)} networks",
            **figures(evaluation, self.files),
            batch_size=request.batch_size,
            device=self.device,
            unreadable_as="wrong" if request.on_unreadable == "wrong" else "left out",
            members=members,
            alone=_labelled(members, alone),
            without=_labelled(members, without),
        )


def _labelled(members: Sequence[MemberRecord], found: Sequence[Figures]) -> list[SubsetRecord]:
    return [
        SubsetRecord(label=member.label, top1_error=one.top1_error, top5_error=one.top5_error, nll=one.nll)
        for member, one in zip(members, found, strict=False)
    ]


def add_summary(run: RunDir, summary: EvaluationSummary) -> None:
    """Lists an evaluation in the result of `run`, whose lock this process has; another one of the same file is
    replaced. A result that is damaged is named and left as it is."""
    try:
        result = read_result(run)
    except FileError as error:
        warn(f"{error}; the evaluation is not listed there")
        return
    others = [one for one in result.evaluations if one.file != summary.file]
    at = next((i for i, one in enumerate(result.evaluations) if one.file == summary.file), len(others))
    write_record(run.result, replace(result, evaluations=[*others[:at], summary, *others[at:]]))
