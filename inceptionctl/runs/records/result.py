"""result.json and evaluations/*.json: the figures of a run. Errors are in percent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from inceptionctl.runs.io import Record

Percent = Annotated[float, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
NonNegative = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, kw_only=True)
class ImageSet:
    """The images of an evaluation. `name`: as in the file's name; `split`: of the data set `data`; `blacklist`: whether
    the images of ILSVRC's blacklist are left out; `digest`: of the user's own images, None for a library's."""

    name: str
    data: str
    split: str
    blacklist: bool
    digest: str | None


@dataclass(frozen=True, kw_only=True)
class ProtocolRecord:
    """How images become the network's input. `crop`: side of the centre crop as a share of the shorter side, resized to
    `resize` pixels. Values are None where they do not apply: digits are drawn at the input's size."""

    name: str
    resize: int | None
    crop: float | None
    crops: int
    interpolation: str | None
    averaging: str | None
    decoder: str | None


@dataclass(frozen=True, kw_only=True)
class EvaluationRecord(Record):
    """A file of evaluations/. `weights`: ema or raw, of the last step; best-ema or best-raw, of the checkpoint chosen
    on the dev split. `unreadable`: images left out; `nll`: mean negative log-likelihood in nats; `ece`: expected
    calibration error in percent; `batch_size`: per device."""

    schema: Literal[1] = 1
    image_set: ImageSet
    protocol: ProtocolRecord
    weights: str
    n_images: Count
    unreadable: Natural
    top1_error: Percent
    top5_error: Percent
    nll: NonNegative
    ece: NonNegative
    batch_size: Count
    device: str


@dataclass(frozen=True, kw_only=True)
class EvaluationSummary:
    """One evaluation as result.json lists it; `file` is relative to the run folder."""

    file: str
    image_set: str
    protocol: str
    weights: str
    n_images: Count
    top1_error: Percent
    top5_error: Percent
    nll: NonNegative


@dataclass(frozen=True, kw_only=True)
class Best:
    """The checkpoint with the lowest top-1 error, in percent, on the dev split."""

    step: Natural
    dev_top1_error: Percent


@dataclass(frozen=True, kw_only=True)
class Result(Record):
    """result.json, written last: a run that has it is finished. `unreadable`: training images left out or replaced;
    `rollbacks`: how often the run went back to a checkpoint after diverging; `best`: None without train.keep_best."""

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

    def evaluation(self, weights: str) -> EvaluationSummary:
        """The run's own evaluation of these weights; every run has "ema" and "raw"."""
        return next(one for one in self.evaluations if one.weights == weights)
