"""An ensemble of runs whose probabilities are stored: no network is loaded and no image read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inceptionctl.config.schema import Config
from inceptionctl.data.order import evaluation_batches
from inceptionctl.errors import InceptionctlError, Interrupted, warn
from inceptionctl.evaluation.ensemble import BatchImages, from_stored, judged
from inceptionctl.evaluation.outcome import NO_CLASS, Evaluation, concatenate
from inceptionctl.files import FileError
from inceptionctl.planning.evaluation.records import find_of_member
from inceptionctl.runs.evaluations import Predictions, read_evaluation, read_predictions
from inceptionctl.runs.records.evaluation import EvaluationRequest, MemberRecord
from inceptionctl.worker.outcome import Outcome

BATCH_SIZE = 1000  # images at a time
DEVICE = "stored probabilities"
SHARED = {
    "index_N": "the images that could be read",
    "label_N": "the labels",
    "labels_NL": "the sets of labels",
    "group_N": "the sources of the images",
}


@dataclass(frozen=True)
class Stored:
    """What the evaluation at `path` says of every image."""

    path: Path
    found: Predictions


@dataclass
class StoredJob:
    """As `EvaluationJob`; `members`: what is stored of each. The first rank does it all."""

    outcome: Outcome
    members: Sequence[Stored]
    is_main: bool
    batches_done: int = 0

    def work(self, should_stop: Callable[[], bool]) -> None:
        """Writes the record. Raises Interrupted if told to stop."""
        if not self.is_main:
            return
        parts = []
        for part in self._parts():
            parts.append(part)
            self.batches_done += 1
            if should_stop():
                raise Interrupted("stopped before the record was written")
        self.outcome.write(concatenate(parts))

    def _parts(self) -> Iterator[Evaluation]:
        first = self.members[0].found
        assert first.index_N is not None, "an evaluation with probabilities has it"
        left_out_M = np.setdiff1d(np.arange(self.outcome.request.n_images), first.index_N)
        labels_NL = first.label_N[:, None] if first.labels_NL is None else first.labels_NL
        for batch in evaluation_batches(len(first.label_N), BATCH_SIZE):
            part = slice(batch.start, batch.stop)
            images = BatchImages(
                indices_N=first.index_N[part],
                labels_NL=labels_NL[part],
                read_N=first.top5_NK[part, 0] != NO_CLASS,
                left_out_M=left_out_M[:0] if batch.start else left_out_M,
            )
            scores = [from_stored(one.found.p_NK[part]) for one in self.members if one.found.p_NK is not None]
            yield judged(scores, images, probabilities=True)


def stored_members(config: Config, request: EvaluationRequest) -> list[Stored] | None:
    """What the runs of an ensemble have stored of these images by this protocol; None if it is no ensemble, or one of
    them has no probabilities. Raises InceptionctlError, naming the difference, for what cannot be averaged."""
    if not request.probabilities or len(request.members) == 1:
        return None
    found = [_stored(member, config, request) for member in request.members]
    members = [one for one in found if one]
    if len(members) < len(found):
        return None
    check_same_images(members)
    return members


def check_same_images(members: Sequence[Stored]) -> None:
    """Raises InceptionctlError, naming what differs, unless all are of the same images and labels."""
    first = members[0]
    for other in members[1:]:
        for name, what in SHARED.items():
            if not np.array_equal(getattr(first.found, name), getattr(other.found, name)):
                raise InceptionctlError(
                    f"{first.path} and {other.path} cannot be averaged: they differ in {what}\n"
                    "  evaluate one of the two runs again with rerun=true"
                )


def _stored(member: MemberRecord, config: Config, request: EvaluationRequest) -> Stored | None:
    """None without probabilities; a file that is damaged is named."""
    try:
        path = find_of_member(member, request, config)
        found = read_predictions(path, read_evaluation(path)) if path else None
    except FileError as error:
        warn(f"{error}; the networks are evaluated again")
        return None
    return Stored(path, found) if path and found and found.p_NK is not None else None


def group_of_all(members: Sequence[Stored], n_images: int) -> np.ndarray:
    """The source of each image of the set; 0 for those that were left out."""
    first = members[0].found
    group_N = np.zeros(n_images, np.int64)
    group_N[first.index_N] = first.group_N
    return group_N
