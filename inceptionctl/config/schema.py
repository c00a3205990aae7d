"""Names, types and ranges of every setting. YAML owns the values: nothing here has a default.

Pydantic checks: its errors carry the path and the value, which OmegaConf's structured schemas do not for ranges.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from inceptionctl.data.images import DataSource
from inceptionctl.data.registry import SOURCES
from inceptionctl.data.transforms import AUGMENTATIONS, Augmentation
from inceptionctl.models.settings import Arch
from inceptionctl.settings import Count, Fraction, NonNegative, NonNegativeInt, Positive, Share, section
from inceptionctl.trackers.base import TrackerSettings
from inceptionctl.trackers.registry import TRACKERS

# In a script: a line of it, a word to sbatch.
Line = Annotated[str, Field(pattern=r"^[^\r\n]+$", coerce_numbers_to_str=True)]
Word = Annotated[str, Field(pattern=r"^[^\s\"'\\\\]+$", coerce_numbers_to_str=True)]
OptionName = Annotated[str, Field(pattern=r"^[a-z][a-z-]*$")]


def _by_name(options: Mapping[str, type]) -> object:
    """One of `options`, which differ in their `name`."""
    return Annotated[reduce(or_, options.values()), Field(discriminator="name")]


if TYPE_CHECKING:
    Data: TypeAlias = DataSource
    Augment: TypeAlias = Augmentation
    Tracker: TypeAlias = TrackerSettings
else:
    Data, Augment, Tracker = map(_by_name, (SOURCES, AUGMENTATIONS, TRACKERS))


@section
class Optim:
    """`decay` and `eps` are RMSProp's."""

    name: Literal["momentum", "rmsprop"]
    momentum: Share
    decay: Share | None
    eps: Positive | None


@section
class Schedule:
    """`lr` is for a `base_batch_size` of so many pictures and follows that of the run by `lr_scaling` (null: it is used
    as it is). It rises for `warmup_epochs` epochs, then: exponential, times `gamma` every `decay_epochs` epochs (at
    once: `staircase`); step, times `gamma` at each of the `milestones`, in epochs; cosine, down to `min_lr_ratio` times
    the rate at the end."""

    name: Literal["exponential", "step", "cosine", "constant"]
    lr: Positive
    base_batch_size: Count | None
    lr_scaling: Literal["linear", "sqrt"]
    gamma: Fraction | None
    decay_epochs: Positive | None
    milestones: Annotated[list[Positive], Field(min_length=1)] | None
    min_lr_ratio: Share | None
    staircase: bool
    warmup_epochs: NonNegative


@section
class Loss:
    """`label_smoothing`: share of the target spread over all classes; `smooth_aux`: for the side head too."""

    label_smoothing: Share
    aux_weight: NonNegative
    smooth_aux: bool


@section
class Ema:
    """The running average of the parameters. `unit`: what `decay` is, a share of the run, a half-life in epochs or
    the decay of each step itself; `warmup`: its first steps count for more; `buffers`: whether the statistics of batch
    norm are averaged too, copied from the last step, or recomputed over the training set at the end."""

    unit: Literal["fraction", "half_life", "decay"]
    decay: NonNegative
    warmup: bool
    buffers: Literal["averaged", "copied", "recomputed"]


@section
class Train:
    """`batch_size`: pictures in a step over all devices; `bn_batch_size`: pictures that batch norm normalises together
    (null: the whole batch); `grad_clip`: largest global norm of the gradient; `deterministic`: refuse operators that
    are not; `keep_best`: keep the checkpoint that does best on a dev split as well; `rollbacks`: how often a run that
    diverges may go back to its last checkpoint, at half the rate; `monitor`: held-out pictures evaluated after each
    epoch."""

    batch_size: Count
    bn_batch_size: Annotated[int, Field(ge=2)] | None
    epochs: Positive
    weight_decay: NonNegative
    grad_clip: Positive
    ema: Ema
    precision: Literal["float32", "bfloat16", "float16"]
    channels_last: bool
    compile: bool
    deterministic: bool
    keep_best: bool
    rollbacks: NonNegativeInt
    monitor: Count
    log_every: Count
    keep_checkpoints: Count


@section
class Protocol:
    """`crop`: side of the centre crop as a share of the shorter side."""

    name: Literal["single"]
    crop: Fraction


@section
class _Launch:
    """`nproc`: ranks of one run; `threads`: of each rank; null chooses by the place. `accumulation_steps`: batches a
    rank reads one after the other for one step; `restarts`: how often a run that was cut short starts again from its
    last checkpoint; `save_minutes`: between checkpoints of a long epoch; `hang_timeout`: seconds without a sign of life
    after which it counts as hung."""

    device: Literal["auto", "cpu", "cuda"]
    nproc: Count | None
    threads: Count | None
    accumulation_steps: Count
    restarts: NonNegativeInt
    save_minutes: Positive
    hang_timeout: Positive


@section
class Local(_Launch):
    """Processes on this machine; `jobs`: runs side by side."""

    name: Literal["local"]
    jobs: Count | None


@section
class Slurm(_Launch):
    """Jobs of a cluster; null leaves a matter to the site. `mem` of a node and `time` that a job may take are written
    as sbatch takes them (64G; minutes, 12:00:00, 2-00); `array_parallelism`: cells of a table side by side;
    `setup`: shell commands before the run, `extra`: any other options of sbatch, null where they take no value."""

    name: Literal["slurm"]
    partition: Word | None
    account: Word | None
    qos: Word | None
    nodes: Count
    gpus_per_node: NonNegativeInt
    cpus_per_gpu: Count | None
    mem: Word | None
    time: Word | None
    constraint: Word | None
    exclude: Word | None
    array_parallelism: Count | None
    setup: list[Line] | None
    extra: dict[OptionName, Line | None] | None


@section
class Config:
    """One run, whole. `weights`: what it starts from ("timm", "torchvision", "timm:TAG" or a file; null: new weights);
    `weights_sha256` is filled in for a file, `data_fingerprint` for a user's own images."""

    name: str
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    outputs: str
    run_dir: str | None
    rerun: bool
    weights: str | None
    weights_sha256: str | None
    data_fingerprint: str | None
    arch: Arch
    data: Data
    augment: Augment
    optim: Optim
    schedule: Schedule
    loss: Loss
    train: Train
    protocol: Protocol
    launch: Annotated[Local | Slurm, Field(discriminator="name")]
    tracker: Tracker
