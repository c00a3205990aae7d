"""Names, types and ranges of every setting. YAML owns the values: nothing here has a default.

Pydantic checks: its errors carry the path and the value, which OmegaConf's structured schemas do not for ranges.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass
from typing_extensions import dataclass_transform

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def section(cls: type[T]) -> type[T]:
    """A frozen, keyword-only dataclass that refuses unknown keys."""
    return checked_dataclass(cls, frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))  # type: ignore[return-value]


@section
class Aux:
    """The side head, and batch norm on its fully connected layer."""

    head: bool
    norm: bool


@section
class Rewrites:
    """The structural switches, applied in the order of `models.rewrite`."""

    factorized_7x7: bool
    separable_stem: bool
    low_resolution: Literal[299, 151, 79]
    stem_pools: Annotated[int, Field(ge=0, le=2)]
    blocks: list[Count] | None


@section
class Arch:
    """`pixels`: side of the square input; `width`: factor on every layer's filters."""

    name: str
    pixels: Annotated[int, Field(ge=1, le=4096)]
    width: Annotated[float, Field(gt=0, le=16)]
    bn_momentum: Annotated[float, Field(gt=0, le=1)]
    aux: Aux
    rewrites: Rewrites


@section
class Jitter:
    """How digits are rendered, as shares of the picture and of the grey range, `rotate` in degrees."""

    size: Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=2, max_length=2)]
    rotate: Annotated[float, Field(ge=0, le=180)]
    contrast: Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=2, max_length=2)]
    noise: Annotated[float, Field(ge=0, le=1)]


@section
class Data:
    """`root`, `train`, `val`, `split` are for image folders; `fingerprint` is filled in from what lies there.

    `holdout` "dev" evaluates on a share of the training pictures, to choose settings without the test set.
    """

    name: Literal["digits", "imagefolder"]
    root: str | None
    train: str | None
    val: str | None
    split: Annotated[float, Field(gt=0, lt=1)] | None
    fingerprint: str | None
    holdout: Literal["test", "dev"]
    renderings: Count
    jitter: Jitter | None
    workers: Annotated[int, Field(ge=0, le=256)]


@section
class Augment:
    name: Literal["none", "crop_flip", "inception_crop"]


@section
class Optim:
    """`decay` and `eps` are RMSProp's."""

    name: Literal["momentum", "rmsprop"]
    momentum: Share
    decay: Share | None
    eps: Positive | None


@section
class Schedule:
    """`rate` times `factor` every `every` epochs, after `warmup` epochs of rising rate."""

    name: Literal["exponential", "constant"]
    rate: Positive
    factor: Annotated[float, Field(gt=0, le=1)] | None
    every: Positive | None
    staircase: bool
    warmup: NonNegative


@section
class Loss:
    """`label_smoothing`: share of the target spread over all classes; `smooth_aux`: for the side head too."""

    label_smoothing: Share
    aux_weight: NonNegative
    smooth_aux: bool


@section
class Train:
    """`batch`: pictures in a step over all devices; `clip`: largest global norm of the gradient; `ema`: memory of the
    parameter average as a share of the run; `monitor`: held-out pictures evaluated after each epoch."""

    batch: Count
    epochs: Positive
    weight_decay: NonNegative
    clip: Positive
    ema: Annotated[float, Field(ge=0, le=1)]
    monitor: Count
    log_every: Count
    keep: Count


@section
class Protocol:
    """`crop`: side of the centre crop as a share of the shorter side."""

    name: Literal["single"]
    crop: Annotated[float, Field(gt=0, le=1)]


@section
class Launch:
    """`jobs`: processes side by side, `threads`: of each; null chooses by the machine."""

    name: Literal["local"]
    device: Literal["auto", "cpu", "cuda"]
    jobs: Count | None
    threads: Count | None


@section
class Tracker:
    name: Literal["none", "tensorboard", "wandb"]
    project: str | None
    mode: Literal["online", "offline"] | None


@section
class Config:
    """One run, whole."""

    name: str
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    outputs: str
    run_dir: str | None
    rerun: bool
    arch: Arch
    data: Data
    augment: Augment
    optim: Optim
    schedule: Schedule
    loss: Loss
    train: Train
    protocol: Protocol
    launch: Launch
    tracker: Tracker
