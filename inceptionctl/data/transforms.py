"""From an image of any size to the network's input. PIL does the pixels; every draw comes from the generator given.

The augmentations are sections of settings, by the names of `augment.name`; the files of conf/augment own their values.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import numpy as np
from PIL import Image, ImageOps
from pydantic import Field

from inceptionctl.data.colour import FAST, FULL, Distortion
from inceptionctl.data.images import Transform
from inceptionctl.settings import FractionRange, PositiveRange, Share, UnitInterval, section

BILINEAR = Image.Resampling.BILINEAR
# TF's resize methods; Pillow's filters widen where they shrink an image.
INTERPOLATIONS = {
    "bilinear": BILINEAR,
    "area": Image.Resampling.BOX,
    "nearest": Image.Resampling.NEAREST,
    "bicubic": Image.Resampling.BICUBIC,
}
DISTORTIONS: dict[str, tuple[tuple[Distortion, ...], ...]] = {"none": (), "fast": FAST, "full": FULL}
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class CentreCrop:
    """The square of `crop` times the shorter side in the middle, resized (TF-slim cuts 0.875 of each side instead)."""

    pixels: int
    crop: float
    interpolation: Image.Resampling = BILINEAR

    def __call__(self, image: Image.Image, random: np.random.Generator) -> Image.Image:
        side = self.crop * min(image.size)
        left, top = (image.width - side) / 2, (image.height - side) / 2
        return image.resize((self.pixels, self.pixels), self.interpolation, box=(left, top, left + side, top + side))


@section
class Augmentation(ABC):
    """How training images are varied."""

    name: str

    def transform(self, pixels: int) -> Transform:
        """To an input of `pixels` x `pixels`."""
        return partial(self.apply, pixels)

    @abstractmethod
    def apply(self, pixels: int, image: Image.Image, random: np.random.Generator) -> Image.Image: ...


@section
class NoAugmentation(Augmentation):
    """Training images as they are: of files, the square in the middle."""

    name: Literal["none"]

    def apply(self, pixels: int, image: Image.Image, random: np.random.Generator) -> Image.Image:
        return CentreCrop(pixels, 1.0)(image, random)


@section
class CropFlip(Augmentation):
    """The square in the middle, shifted at random over a black border and mirrored: the usual for CIFAR."""

    name: Literal["crop_flip"]
    padding: Share
    """Largest shift to either side, as a fraction of the shorter side."""
    flip: UnitInterval
    """Probability of mirroring an image left to right."""

    def apply(self, pixels: int, image: Image.Image, random: np.random.Generator) -> Image.Image:
        side = min(image.size)
        border = int(side * self.padding)
        x, y = random.integers(0, 2 * border, size=2, endpoint=True)
        x, y = x + (image.width - side) // 2, y + (image.height - side) // 2
        padded = ImageOps.expand(image, border)
        shifted = padded.resize((pixels, pixels), BILINEAR, box=(x, y, x + side, y + side))
        return _flipped(shifted, self.flip, random)


@section
class InceptionCrop(Augmentation):
    """A random part of the image at a random aspect ratio, resized without keeping it, mirrored, its colours distorted:
    GoogLeNet, section 6."""

    name: Literal["inception_crop"]
    area: FractionRange
    """Smallest and largest area of the crop, as fractions of the image's."""
    aspect_ratio: PositiveRange
    """Smallest and largest ratio of the crop's width to its height, log-uniformly (the paper leaves this open)."""
    interpolation: Annotated[list[Literal["bilinear", "area", "nearest", "bicubic"]], Field(min_length=1)]
    """Resize methods, of which one is drawn for each image."""
    flip: UnitInterval
    """Probability of mirroring an image left to right."""
    distortion: Literal["none", "fast", "full"]
    """Photometric distortions of TF-slim. fast: brightness and saturation; full: hue and contrast too."""

    def apply(self, pixels: int, image: Image.Image, random: np.random.Generator) -> Image.Image:
        box = random_box(image.size, self.area, self.aspect_ratio, random)
        method = self.interpolation[random.integers(len(self.interpolation))]  # one alone costs the generator nothing
        resized = image.resize((pixels, pixels), INTERPOLATIONS[method], box=box)
        flipped, orders = _flipped(resized, self.flip, random), DISTORTIONS[self.distortion]
        return _distorted(flipped, orders[random.integers(len(orders))], random) if orders else flipped


AUGMENTATIONS: dict[str, type[Augmentation]] = {
    "none": NoAugmentation,
    "crop_flip": CropFlip,
    "inception_crop": InceptionCrop,
}


def random_box(
    size: tuple[int, int], area: Sequence[float], ratios: Sequence[float], random: np.random.Generator
) -> Box:
    """Ten tries, then the largest centred box of an allowed shape, as torchvision does (TF-slim: a hundred, then the
    whole image)."""
    (width, height), (smallest, largest), (low, high) = size, area, ratios
    for _ in range(10):
        pixels = random.uniform(smallest, largest) * width * height
        ratio = math.exp(random.uniform(math.log(low), math.log(high)))
        w, h = math.sqrt(pixels * ratio), math.sqrt(pixels / ratio)
        if w <= width and h <= height:
            left, top = random.uniform(0, width - w), random.uniform(0, height - h)
            return left, top, left + w, top + h
    w, h = min(width, height * high), min(height, width / low)
    left, top = (width - w) / 2, (height - h) / 2
    return left, top, left + w, top + h


def _distorted(image: Image.Image, order: tuple[Distortion, ...], random: np.random.Generator) -> Image.Image:
    planes = np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1), dtype=np.float32) / 255
    for distort in order:
        planes = distort(planes, random)
    return Image.fromarray((planes.clip(0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0).copy())


def _flipped(image: Image.Image, probability: float, random: np.random.Generator) -> Image.Image:
    return ImageOps.mirror(image) if random.random() < probability else image
