"""The settings of `inceptionctl eval`: which networks, on which images, how, and where."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from inceptionctl.config.launch import LAUNCHES, Local, Slurm
from inceptionctl.data.images import DataSource
from inceptionctl.data.registry import SOURCES
from inceptionctl.evaluation.protocols import PROTOCOLS, ProtocolSettings
from inceptionctl.models.settings import Arch, as_release_or_file
from inceptionctl.settings import (
    AbsolutePath,
    Count,
    Flag,
    OneOf,
    PathSegment,
    TakenAsTyped,
    absolute,
    section,
)

OF_A_RUN = ("ema", "raw", "best-ema", "best-raw")
BLACKLIST = "blacklist"
MAX_MEMBERS = 100


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _distinct(paths: list[str]) -> list[str]:
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise ValueError(f"{twice} is named twice")
    return paths


def _weights(value: str) -> str:
    return value if value in OF_A_RUN else as_release_or_file(value)


def _left_out(value: str) -> str:
    return value if value == BLACKLIST else absolute(value)


Paths = Annotated[
    list[AbsolutePath],
    Field(min_length=1, max_length=MAX_MEMBERS),
    BeforeValidator(_several),
    AfterValidator(_distinct),
    TakenAsTyped(several=True),
]
Weights = Annotated[str, Field(min_length=1), AfterValidator(_weights), TakenAsTyped()]
LeftOut = Annotated[str, Field(min_length=1), AfterValidator(_left_out), TakenAsTyped()]


@section
class ImageSelection:
    """Which of the images, and by whose labels."""

    keep: AbsolutePath | None
    """File that lists the images to evaluate on, a name or the number of a validation image a line; null: all."""
    leave_out: LeftOut | None
    """File that lists the images to leave out, or blacklist: the 1,762 of ILSVRC's devkit; null: none."""
    labels: Literal["own", "real"]
    """own: those of the data; real: ReaL's for ImageNet's validation images, of which any is right."""


@section
class EvalSettings:
    name: PathSegment
    """Folder below outputs that evaluations are kept in."""
    outputs: AbsolutePath
    """Folder of all runs."""
    run: Paths | None
    """Run folder to evaluate; several, [A,B], are an ensemble: their probabilities are averaged."""
    weights: Weights | None
    """Of a run: ema (the default), raw, best-ema or best-raw. Without run: timm, torchvision, timm:TAG or a file."""
    weights_key: str | None
    """Which state dict of a file with several, by its key or prefix; null: the only one, or their average."""
    arch: Arch
    data: Annotated[DataSource, OneOf(SOURCES)]
    images: ImageSelection
    protocol: Annotated[ProtocolSettings, OneOf(PROTOCOLS)]
    launch: Annotated[Local | Slurm, OneOf(LAUNCHES)]
    batch_size: Count
    """Inputs of the network that a device takes at a time, views counted."""
    probabilities: Flag
    """Whether the probabilities of all classes are stored (float16); ensembles then read those of their members."""
    details: Flag
    """Whether accuracy per class, confusion, calibration, coverage and the worst images are written as files."""
    rerun: Flag
    """Whether an evaluation that is finished is done again."""


# Settings of a launch that concern training alone, with what they are about.
NOT_OF_EVALUATIONS = {
    "launch.accumulation_steps": "steps of the optimizer",
    "launch.save_minutes": "checkpoints",
    "launch.jobs": "the cells of a table",
    "launch.array_parallelism": "the cells of a table",
}
