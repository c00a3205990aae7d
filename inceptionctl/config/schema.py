"""One run, whole: every setting by name, type and range. YAML owns the values.

Pydantic checks: its errors carry the path and the value, which OmegaConf's structured schemas do not for ranges.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from inceptionctl.config.launch import LAUNCHES, Local, Slurm
from inceptionctl.data.images import DataSource
from inceptionctl.data.registry import SOURCES
from inceptionctl.data.transforms import AUGMENTATIONS, Augmentation
from inceptionctl.evaluation.protocols import PROTOCOLS, ProtocolSettings
from inceptionctl.models.settings import Arch, WeightsSource
from inceptionctl.settings import (
    MOST,
    AbsolutePath,
    Count,
    Epochs,
    Flag,
    Integer,
    NonNegative,
    NonNegativeInt,
    OneOf,
    PathSegment,
    Positive,
    Share,
    section,
)
from inceptionctl.trackers.settings import Trackers
from inceptionctl.training.optimizers import OPTIMIZERS, OptimizerSettings
from inceptionctl.training.schedules import SCHEDULES, ScheduleSettings


@section
class Ema:
    """The exponential moving average of the weights."""

    unit: Literal["fraction", "half_life", "decay"]
    """Unit of decay: the averaged share of the run, a half-life in epochs, or the decay per step itself."""
    decay: NonNegative
    """How long the average remembers, in `unit`."""
    warmup: Flag
    """Whether the first steps count for more: decay is at most (1 + step) / (10 + step)."""
    buffers: Literal["averaged", "copied", "recomputed"]
    """Batch norm's statistics in the average: averaged too, copied from the last step, or recomputed at the end."""


@section
class Train:
    batch_size: Count
    """Images per optimizer step, over all devices and micro-batches."""
    bn_batch_size: Annotated[Integer, Field(ge=2, le=MOST)] | None
    """Images that batch norm normalises together; null: the whole batch, over all devices."""
    epochs: Epochs
    """Length of the run in epochs; may be fractional."""
    weight_decay: NonNegative
    """L2 penalty of convolution and fully connected weights."""
    grad_clip: Positive | None
    """Largest global norm of the gradient; null: no clipping."""
    ema: Ema
    precision: Literal["float32", "bfloat16", "float16"]
    """Type of activations in training; the two short ones are mixed precision."""
    channels_last: Flag
    """Whether images and weights are laid out channels last (NHWC)."""
    compile: Flag
    """Whether the model goes through torch.compile."""
    deterministic: Flag
    """Whether operators that are not deterministic are refused."""
    keep_best: Flag
    """Whether the checkpoint with the lowest error on a dev split is kept and evaluated too."""
    rollbacks: NonNegativeInt
    """How often a run that diverges may go back to its last checkpoint, each time at half the learning rate."""
    monitor: Count
    """Evaluation images that are looked at while training."""
    log_every: Count
    """Steps between rows of metrics."""
    keep_checkpoints: Count
    """Newest checkpoints that are kept."""
    monitor_epochs: Epochs = 1.0  # runs from before this setting lack it
    """Epochs between two looks at the images of monitor; 0.25: four looks in each epoch."""


@section
class Loss:
    label_smoothing: Share
    """Share of the target that is spread evenly over all classes."""
    aux_weight: NonNegative
    """Weight of each auxiliary head's loss."""
    smooth_aux: Flag
    """Whether label smoothing applies to auxiliary heads too."""


@section
class Tuned:
    """The values that a run took from conf/tuned."""

    reason: str
    """Why the network needs them."""
    changes: dict[str, list[Any]]
    """(value without, value taken) of each setting."""

    def __str__(self) -> str:
        values = ", ".join(f"{key} {taken} instead of {usual}" for key, (usual, taken) in self.changes.items())
        return f"{values}, because {self.reason} (tuned=none does without)"


@section
class Resolved:
    """What planning finds and a run's config.yaml keeps: no settings, but part of the identity."""

    data_fingerprint: str | None = None
    """Digest of the training images, if they are the user's own."""
    weights_sha256: str | None = None
    """Digest of the file of weights to start from."""
    weights_key: str | None = None
    """The state dict taken from that file, if it has several."""
    usual_warmup: float | None = None
    """The recipe's schedule.warmup_epochs, if the run is too short for it."""


@section
class Config:
    """A section stands after those that its YAML interpolates, so that errors name the setting that was typed."""

    name: PathSegment
    """Folder below outputs that the run is kept in."""
    seed: Annotated[Integer, Field(ge=0, lt=2**32)]
    """Seed of initial weights, sample order, augmentation and dropout."""
    outputs: AbsolutePath
    """Folder of all runs."""
    run_dir: AbsolutePath | None
    rerun: Flag
    weights: WeightsSource | None
    """Weights to start from: timm, torchvision, timm:TAG or a file; null: initial weights."""
    arch: Arch
    data: Annotated[DataSource, OneOf(SOURCES)]
    augment: Annotated[Augmentation, OneOf(AUGMENTATIONS)]
    train: Train
    optim: Annotated[OptimizerSettings, OneOf(OPTIMIZERS)]
    schedule: Annotated[ScheduleSettings, OneOf(SCHEDULES)]
    loss: Loss
    protocol: Annotated[ProtocolSettings, OneOf(PROTOCOLS)]
    launch: Annotated[Local | Slurm, OneOf(LAUNCHES)]
    tracker: Trackers = Trackers()  # tracker=[] composes to nothing
    weights_key: str | None = None  # runs from before this setting lack it
    """Which state dict of a file with several, by its key or prefix; null: the only one, or their average."""
    tuned: Tuned | None = None
    resolved: Resolved = Resolved()
