"""Evaluation protocols by name: each a section of settings that builds a transform. No torch.

A protocol says which crops of an image a network sees, and how they are resized. A new one is a class and a line of
`PROTOCOLS`, and `conf/protocol/NAME.yaml`. Sources that draw images at the network's input size, such as digits, have
no use for one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

from PIL import Image

from inceptionctl.data.images import Transform
from inceptionctl.data.transforms import CentreCrop
from inceptionctl.settings import Fraction, section


@section
class ProtocolSettings(ABC):
    """What every protocol has."""

    name: str

    @abstractmethod
    def transform(self, pixels: int) -> Transform:
        """From an image of any size to the network's input, `pixels` a side."""


@section
class Single(ProtocolSettings):
    """One centre crop."""

    name: Literal["single"]
    crop: Fraction
    """Side of the crop as a share of the image's shorter side."""
    interpolation: Literal["bilinear", "bicubic"]
    """Filter that resizes the crop to the network's input."""

    def transform(self, pixels: int) -> Transform:
        return CentreCrop(pixels, self.crop, Image.Resampling[self.interpolation.upper()])


PROTOCOLS: dict[str, type[ProtocolSettings]] = {"single": Single}
