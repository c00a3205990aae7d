"""What an augmentation draws for one image, as numbers, and the image that they give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inceptionctl.data.colour import Distortions, distorted
from inceptionctl.data.lazy_image import Box, LazyImage, Window


@dataclass(frozen=True)
class Variation:
    """`box`: the part of the image that is taken, which may reach beyond it; `window`: what of `box` is resized, where
    that is not all of it: in pixels from its corner, by Pillow, whose filter sees what lies around; `interpolation`:
    "nearest", "area", "bilinear" or "bicubic"; `distortions`: of colours, in their order."""

    box: Box
    interpolation: str
    mirrored: bool = False
    distortions: Distortions = ()
    window: Window | None = None


def varied(image: LazyImage, variation: Variation, side: int) -> np.ndarray:
    """uint8, (side, side, 3). Raises DataError for an image that cannot be decoded."""
    from inceptionctl.data.resize import resize, resize_window  # torch: settings are read without it

    crop = image.crop(variation.box)
    if variation.window:
        resized = resize_window(crop, variation.window, side)
    else:
        resized = resize(crop, side, variation.interpolation, variation.mirrored)
    return distorted(resized, variation.distortions) if variation.distortions else resized


@dataclass(frozen=True, eq=False)
class EncodedCrop:
    """A JPEG file, of which the box of `variation` is to become `side` x `side` pixels. `name`: for errors; `size`:
    (width, height)."""

    data: bytes
    name: str
    size: tuple[int, int]
    variation: Variation
    side: int


@dataclass(frozen=True, eq=False)
class Crop:
    """`pixels`: uint8, (height, width, 3) of the box of `variation`, which is to become `side` x `side` pixels."""

    pixels: np.ndarray
    variation: Variation
    side: int


@dataclass(frozen=True, eq=False)
class CachedCrop:
    """Image `index` of those that the rank holds on its device, of `size`, (width, height): the box of `variation` is
    to become `side` x `side` pixels."""

    index: int
    size: tuple[int, int]
    variation: Variation
    side: int


AnyCrop = Crop | EncodedCrop | CachedCrop
