"""result.json: the figures of a run. Errors are in percent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from inceptionctl.runs.io import Record
from inceptionctl.runs.records.evaluation import EvaluationSummary, Natural, NonNegative, Percent, UnreadableImages


@dataclass(frozen=True, kw_only=True)
class Best:
    """The checkpoint with the lowest top-1 error, in percent, on the dev split."""

    step: Natural
    dev_top1_error: Percent


@dataclass(frozen=True, kw_only=True)
class Result(Record):
    """result.json, written last: a run that has it is finished. `unreadable`: training images left out or replaced,
    once an epoch; `unreadable_images`: which ones, None in older records; `rollbacks`: how often the run went back to a
    checkpoint after diverging; `best`: None without train.keep_best. `decoder` and `resizer` of training images, with
    the versions at the end of the run: None of images that are drawn, and in older records."""

    schema: Literal[1] = 1
    identity: str
    arch: str
    params: Natural
    macs: Natural
    seed: Natural
    epochs: NonNegative
    classes: list[str]
    rollbacks: Natural
    unreadable: Natural
    wall_s: NonNegative
    images_per_s: NonNegative
    best: Best | None
    evaluations: list[EvaluationSummary]
    unreadable_images: UnreadableImages | None = None
    decoder: str | None = None
    resizer: str | None = None

    def evaluation(self, weights: str) -> EvaluationSummary:
        """The run's own evaluation of these weights; every run has "ema" and "raw"."""
        return next(one for one in self.evaluations if one.weights == weights)
