"""The rows of metrics.jsonl, each with its `kind`. Errors are in percent, durations in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, cast

from pydantic import Field

from inceptionctl.runs.io import Record

Purpose = Literal["monitor", "selection", "final"]


@dataclass(frozen=True, kw_only=True)
class TrainRow(Record):
    """A row of training: means over the steps since the last one. `grad_norm` is None if every step overflowed;
    `unreadable`: images left out or replaced since then; `time_s`: seconds of work on the run."""

    schema: Literal[1] = 1
    kind: Literal["train"] = "train"
    step: int
    epoch: float
    loss: float
    grad_norm: float | None
    unreadable: int
    lr: float
    images_per_s: float
    time_s: float


@dataclass(frozen=True, kw_only=True)
class EvalRow(Record):
    """An evaluation. `purpose`: monitor (a few images after each epoch), selection (the dev split, to choose the best
    checkpoint) or final (every image of the reported split); `weights` as in `EvaluationRecord`."""

    schema: Literal[1] = 1
    kind: Literal["eval"] = "eval"
    step: int
    epoch: float
    purpose: Purpose
    weights: str
    n_images: int
    unreadable: int
    top1_error: float
    top5_error: float | None
    nll: float


@dataclass(frozen=True, kw_only=True)
class OptimizerRow(Record):
    """RMSProp's factor on the gradient, 1 / sqrt(v + eps): its mean and percentiles over all parameters' elements."""

    schema: Literal[1] = 1
    kind: Literal["optimizer"] = "optimizer"
    step: int
    epoch: float
    inv_rms_mean: float
    inv_rms_p1: float
    inv_rms_p99: float


@dataclass(frozen=True, kw_only=True)
class ProgressRow(Record):
    """How far an evaluation in a folder of its own is: `step` images are done, of which `top1_error` percent are wrong;
    `time_s`: seconds of work since it was started last."""

    schema: Literal[1] = 1
    kind: Literal["progress"] = "progress"
    step: int
    epoch: float = 0.0
    top1_error: float
    images_per_s: float
    time_s: float


MetricRow = TrainRow | EvalRow | OptimizerRow | ProgressRow
# The type to read rows as: `kind` tells which of them a row is.
ANY_ROW = cast("type[MetricRow]", Annotated[MetricRow, Field(discriminator="kind")])
