"""Evaluation protocols by name: which crops of an image a network sees, and how they are resized. No torch.

A new protocol is a section of settings, a function that builds its transform and a line of `PROTOCOLS`, and
`conf/protocol/NAME.yaml`. Sources that render images at the network's input size, such as digits, have no use for one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image

from inceptionctl.data.transforms import CentreCrop, Transform
from inceptionctl.settings import Fraction, section


@section
class ProtocolSettings:
    """What every protocol has."""

    name: str
    """Which protocol this is, a key of `PROTOCOLS`."""


@section
class Single(ProtocolSettings):
    """One centre crop."""

    name: Literal["single"]
    crop: Fraction
    """Side of the crop as a share of the image's shorter side."""
    interpolation: Literal["bilinear", "bicubic"]
    """Filter that resizes the crop to the network's input."""


def _single(settings: Single, pixels: int) -> Transform:
    return CentreCrop(pixels, settings.crop, Image.Resampling[settings.interpolation.upper()])


@dataclass(frozen=True)
class ProtocolEntry:
    """`settings`: the section that `build` makes a transform of, for an input of so many pixels a side."""

    settings: type[ProtocolSettings]
    build: Callable[[Any, int], Transform]


PROTOCOLS = {"single": ProtocolEntry(Single, _single)}


def make_transform(settings: ProtocolSettings, pixels: int) -> Transform:
    """The transform of the protocol that `settings` name, to an input of `pixels` a side."""
    return PROTOCOLS[settings.name].build(settings, pixels)
