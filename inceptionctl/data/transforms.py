"""From an image of any size to the network's input. Every draw comes from the generator given.

Evaluation images are resized by Pillow; training images by `data.resize`, which is faster and differs by rounding.
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
from PIL import Image
from pydantic import Field

from inceptionctl.data.colour import FAST, FULL, Distortion, Distortions
from inceptionctl.data.decode import PlainJpeg
from inceptionctl.data.decoded.for_device import DeviceImage
from inceptionctl.data.images import Augment
from inceptionctl.data.lazy_image import Box, LazyImage, Window
from inceptionctl.data.variation import AnyCrop, CachedCrop, Crop, EncodedCrop, Variation, varied
from inceptionctl.settings import FractionRange, PositiveRange, Share, UnitInterval, section

BILINEAR = Image.Resampling.BILINEAR
DISTORTIONS: dict[str, tuple[tuple[Distortion, ...], ...]] = {"none": (), "fast": FAST, "full": FULL}


@dataclass(frozen=True)
class CentreCrop:
    """The square of `crop` times the shorter side in the middle, resized (TF-slim cuts 0.875 of each side instead)."""

    pixels: int
    crop: float
    interpolation: Image.Resampling = BILINEAR

    def __call__(self, image: Image.Image, random: np.random.Generator) -> Image.Image:
        box = central_square(image.size, self.crop)
        return image.resize((self.pixels, self.pixels), self.interpolation, box=box)


@section
class Augmentation(ABC):
    """How training images are varied."""

    name: str

    @property
    def resize_methods(self) -> Sequence[str]:
        """Of `data.resize`, one of which an image is resized by; none where Pillow resizes, as in evaluation."""
        return ("bilinear",)

    def transform(self, pixels: int) -> Augment:
        """To an input of `pixels` x `pixels`."""
        return partial(self._varied, pixels)

    def crop(self, pixels: int) -> Augment:
        """The same without resizing, mirrors and colours, which are left to the device."""
        return partial(self._cropped, pixels)

    def encoded(self, pixels: int) -> Augment:
        """The same of JPEG files that are not even decoded."""
        return partial(self._encoded, pixels)

    @abstractmethod
    def draw(self, size: tuple[int, int], random: np.random.Generator) -> Variation:
        """What is made of an image of `size`, (width, height). Every number is drawn here, in an order that never
        changes."""

    def _varied(self, pixels: int, image: LazyImage, random: np.random.Generator) -> np.ndarray:
        return varied(image, self.draw(image.size, random), pixels)

    def _cropped(self, pixels: int, image: LazyImage, random: np.random.Generator) -> AnyCrop:
        variation = self.draw(image.size, random)
        if isinstance(image, DeviceImage):
            return CachedCrop(image.index, image.size, variation, pixels)
        return Crop(image.crop(variation.box), variation, pixels)

    def _encoded(self, pixels: int, image: LazyImage, random: np.random.Generator) -> AnyCrop:
        if not isinstance(image, PlainJpeg):
            return self._cropped(pixels, image, random)
        return EncodedCrop(image.data, image.name, image.size, self.draw(image.size, random), pixels)


@section
class NoAugmentation(Augmentation):
    """Training images as they are: of files, the square in the middle."""

    name: Literal["none"]

    @property
    def resize_methods(self) -> Sequence[str]:
        return ()

    def draw(self, size: tuple[int, int], random: np.random.Generator) -> Variation:
        return Variation((0, 0, *size), "bilinear", window=central_square(size, 1.0))


@section
class CropFlip(Augmentation):
    """The square in the middle, shifted at random over a black border and mirrored: the usual for CIFAR."""

    name: Literal["crop_flip"]
    padding: Share
    """Largest shift to either side, as a fraction of the shorter side."""
    flip: UnitInterval
    """Probability of mirroring an image left to right."""

    def draw(self, size: tuple[int, int], random: np.random.Generator) -> Variation:
        width, height = size
        side = min(size)
        border = int(side * self.padding)
        x, y = random.integers(0, 2 * border, size=2, endpoint=True).tolist()
        left, top = x - border + (width - side) // 2, y - border + (height - side) // 2
        return Variation((left, top, left + side, top + side), "bilinear", random.random() < self.flip)


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

    @property
    def resize_methods(self) -> Sequence[str]:
        return self.interpolation

    def draw(self, size: tuple[int, int], random: np.random.Generator) -> Variation:
        box = random_box(size, self.area, self.aspect_ratio, random)
        method = self.interpolation[random.integers(len(self.interpolation))]  # one alone costs the generator nothing
        mirrored = random.random() < self.flip
        return Variation(box, method, mirrored, _drawn_distortions(DISTORTIONS[self.distortion], random))


AUGMENTATIONS: dict[str, type[Augmentation]] = {
    "none": NoAugmentation,
    "crop_flip": CropFlip,
    "inception_crop": InceptionCrop,
}


def central_square(size: tuple[int, int], crop: float) -> Window:
    """The square of `crop` times the shorter side in the middle of (width, height)."""
    side = crop * min(size)
    left, top = (size[0] - side) / 2, (size[1] - side) / 2
    return left, top, left + side, top + side


def random_box(
    size: tuple[int, int], area: Sequence[float], ratios: Sequence[float], random: np.random.Generator
) -> Box:
    """In whole pixels. Ten tries, then the largest centred box of an allowed shape, as torchvision does (TF-slim: a
    hundred, then the whole image)."""
    (width, height), (smallest, largest), (low, high) = size, area, ratios
    for _ in range(10):
        pixels = random.uniform(smallest, largest) * width * height
        ratio = math.exp(random.uniform(math.log(low), math.log(high)))
        w, h = round(math.sqrt(pixels * ratio)), round(math.sqrt(pixels / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, top = (int(random.integers(0, room, endpoint=True)) for room in (width - w, height - h))
            return left, top, left + w, top + h
    w, h = min(width, max(1, round(height * high))), min(height, max(1, round(width / low)))
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h


def _drawn_distortions(orders: tuple[tuple[Distortion, ...], ...], random: np.random.Generator) -> Distortions:
    """One of `orders`, each distortion with its amount."""
    if not orders:
        return ()
    return tuple((one.name, one.draw(random)) for one in orders[random.integers(len(orders))])
