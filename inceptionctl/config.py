"""Names, types and ranges of every setting. YAML owns the values: nothing here has a default.

A composed tree becomes a `Config` by `parse`, which accepts no unknown key, no missing one and no value out of range.
Pydantic checks: its errors carry the path and the value, which OmegaConf's structured schemas do not for ranges.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass
from typing_extensions import dataclass_transform

from inceptionctl.errors import RequestError, unknown

# Raised by hand whenever code makes the same settings give other results.
RESULTS_VERSION = 1

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


# What a run's result does not depend on.
IRRELEVANT = (
    "name", "outputs", "run_dir", "rerun", "launch", "tracker",
    "data.root", "data.train", "data.val", "data.workers", "train.log_every", "train.keep", "train.monitor",
)  # fmt: skip


def parse(tree: Mapping[str, Any]) -> Config:
    """The Config of a composed, resolved tree. Raises RequestError that names the key, the value and what may be."""
    config = parse_as(Config, tree)
    _check_together(config)
    return config


def parse_as(schema: type[T], tree: Mapping[str, Any]) -> T:
    """Any section of a tree, as strictly."""
    try:
        return TypeAdapter(schema).validate_python(tree)
    except ValidationError as error:
        raise _explained(error, schema) from error


def identity(config: Config) -> str:
    """Twelve hexadecimal digits that two runs share when they must give the same result."""
    relevant = {key: value for key, value in leaves(asdict(config)).items() if not covered(key, IRRELEVANT)}
    text = json.dumps([RESULTS_VERSION, relevant], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def leaves(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`; lists are leaves."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def covered(path: str, patterns: Sequence[str]) -> bool:
    """Whether `path` is one of `patterns` or lies below one (`optim` and `optim.**` both cover `optim.eps`)."""
    stems = [pattern.removesuffix(".**") for pattern in patterns]
    return any(path == stem or path.startswith(f"{stem}.") for stem in stems)


def key_paths(schema: type = Config, prefix: str = "") -> Iterator[str]:
    """Every key of the schema with the path that leads to it, groups included."""
    for name, kind in get_type_hints(schema).items():
        yield prefix + name
        for inner in (kind, *getattr(kind, "__args__", ())):  # `Jitter` and `Jitter | None` alike
            if isinstance(inner, type) and is_dataclass(inner):
                yield from key_paths(inner, f"{prefix}{name}.")


def unknown_setting(key: str, known: set[str], written: str) -> RequestError:
    """Offers the settings beside the one that `key` was meant to be, or the top level."""
    parent = key.rpartition(".")[0]
    beside = [path for path in known if path.rpartition(".")[0] == (parent if parent in known else "")]
    return unknown("setting", key, beside, written)


def _explained(error: ValidationError, schema: type) -> RequestError:
    """The first thing that pydantic found, in the words of the command line."""
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"] if not str(part).startswith("constrained"))
    if first["type"] == "unexpected_keyword_argument":
        return unknown_setting(path, set(key_paths(schema)), path)
    if first["type"] == "missing":
        return RequestError(f"{path} has no value: every setting needs one (null where it may be empty)")
    reason = first["msg"].replace("Input", "it").removeprefix("Value error, ")
    return RequestError(f"{path} = {first['input']} is not allowed: {reason[0].lower()}{reason[1:]}")


def _check_together(config: Config) -> None:
    """Rules that concern more than one key."""
    if config.loss.aux_weight and not config.arch.aux.head:
        raise RequestError(
            f"loss.aux_weight = {config.loss.aux_weight} weighs a side head, and arch.aux.head is false: set it to 0"
        )
    if config.optim.name == "rmsprop" and (config.optim.decay is None or config.optim.eps is None):
        raise RequestError("optim.name = rmsprop needs optim.decay and optim.eps (optim=rmsprop sets both)")
    if config.schedule.name == "exponential" and (config.schedule.factor is None or config.schedule.every is None):
        raise RequestError("schedule.name = exponential needs schedule.factor and schedule.every")
    if jitter := config.data.jitter:
        for key, (low, high) in {"size": jitter.size, "contrast": jitter.contrast}.items():
            if low > high:
                raise RequestError(f"data.jitter.{key} = [{low}, {high}] is out of range: the low end comes first")
