"""From a picture of any size to the network's input. PIL does the pixels; every draw comes from the generator given."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image, ImageOps

from inceptionctl.data.colour import FAST, FULL, Distortion

Transform = Callable[[Image.Image, np.random.Generator], Image.Image]
BILINEAR = Image.Resampling.BILINEAR
# GoogLeNet, section 6, and TF-slim: bilinear, area, nearest, cubic. Pillow's filters widen where they shrink a picture.
METHODS = (BILINEAR, Image.Resampling.BOX, Image.Resampling.NEAREST, Image.Resampling.BICUBIC)


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


@dataclass(frozen=True)
class CropFlip:
    """Mirrored with probability 1/2; the whole shorter side, shifted by up to an eighth over a black border."""

    pixels: int

    def __call__(self, image: Image.Image, random: np.random.Generator) -> Image.Image:
        side = min(image.size)
        border = side // 8
        x, y = random.integers(0, 2 * border, size=2, endpoint=True)
        x, y = x + (image.width - side) // 2, y + (image.height - side) // 2
        padded = ImageOps.expand(image, border)
        return _mirrored(padded.resize((self.pixels, self.pixels), BILINEAR, box=(x, y, x + side, y + side)), random)


@dataclass(frozen=True)
class InceptionCrop:
    """GoogLeNet, section 6: `least` to 100 % of the area at an aspect ratio of 3/4 to 4/3 (drawn log-uniformly, which
    the paper leaves open), resized without keeping that ratio by one of `methods`; mirrored with probability 1/2; its
    colours distorted in one of `orders`, if there are any."""

    pixels: int
    least: float
    methods: tuple[Image.Resampling, ...]
    orders: tuple[tuple[Distortion, ...], ...]

    def __call__(self, image: Image.Image, random: np.random.Generator) -> Image.Image:
        box = _random_box(*image.size, self.least, random)
        method = self.methods[random.integers(len(self.methods))]  # one alone costs the generator nothing
        cropped = _mirrored(image.resize((self.pixels, self.pixels), method, box=box), random)
        return _distorted(cropped, self.orders[random.integers(len(self.orders))], random) if self.orders else cropped


# By the names of conf/augment, where their sources stand; each takes the side of the network's input.
AUGMENTATIONS: dict[str, Callable[[int], Transform]] = {
    "crop_flip": CropFlip,
    "inception_crop": partial(InceptionCrop, least=0.08, methods=(BILINEAR,), orders=()),
    "googlenet": partial(InceptionCrop, least=0.08, methods=METHODS, orders=FULL),
    "googlenet_milder": partial(InceptionCrop, least=0.08, methods=METHODS, orders=FAST),
    "slim": partial(InceptionCrop, least=0.05, methods=(BILINEAR,), orders=FAST),
    "slim_full": partial(InceptionCrop, least=0.05, methods=METHODS, orders=FULL),
}


def _random_box(
    width: int, height: int, least: float, random: np.random.Generator
) -> tuple[float, float, float, float]:
    """Ten tries, then the largest centred box of an allowed shape, as torchvision does (TF-slim: a hundred, then the
    whole picture)."""
    for _ in range(10):
        area = random.uniform(least, 1.0) * width * height
        ratio = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = math.sqrt(area * ratio), math.sqrt(area / ratio)
        if w <= width and h <= height:
            left, top = random.uniform(0, width - w), random.uniform(0, height - h)
            return left, top, left + w, top + h
    w, h = min(width, height * 4 / 3), min(height, width * 4 / 3)
    left, top = (width - w) / 2, (height - h) / 2
    return left, top, left + w, top + h


def _distorted(image: Image.Image, order: tuple[Distortion, ...], random: np.random.Generator) -> Image.Image:
    planes = np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1), dtype=np.float32) / 255
    for distort in order:
        planes = distort(planes, random)
    return Image.fromarray((planes.clip(0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0).copy())


def _mirrored(image: Image.Image, random: np.random.Generator) -> Image.Image:
    return ImageOps.mirror(image) if random.random() < 0.5 else image
