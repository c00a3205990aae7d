"""The rows of metrics.jsonl, each with its `kind`. Errors are in percent, durations in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, cast

from pydantic import Field

from inceptionctl.runs.io import Record


@dataclass(frozen=True, kw_only=True)
class TrainRow(Record):
    """metrics.jsonl: means over the steps since the last such row. `grad_norm` is None if every step overflowed."""

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
    """metrics.jsonl: an evaluation. `purpose`: monitor (a few images after each epoch), selection (the dev split, to
    choose the best checkpoint) or final (every image of the reported split)."""

    schema: Literal[1] = 1
    kind: Literal["eval"] = "eval"
    step: int
    epoch: float
    purpose: Literal["monitor", "selection", "final"]
    weights: str
    n_images: int
    unreadable: int
    top1_error: float
    top5_error: float
    nll: float


@dataclass(frozen=True, kw_only=True)
class OptimizerRow(Record):
    """metrics.jsonl: 1 / sqrt(v + eps) over all elements of the parameters, which RMSProp multiplies a gradient by."""

    schema: Literal[1] = 1
    kind: Literal["optimizer"] = "optimizer"
    step: int
    epoch: float
    inv_rms_mean: float
    inv_rms_p1: float
    inv_rms_p99: float


MetricRow = TrainRow | EvalRow | OptimizerRow
# For readers: which of them a row is, its `kind` tells.
ANY_ROW = cast("type[MetricRow]", Annotated[MetricRow, Field(discriminator="kind")])
