"""Scikit-learn's digits at a random place, size, angle and contrast, with noise: rendered anew for every epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from inceptionctl.data.images import DataSource, DataSplits, Views
from inceptionctl.data.index import Index
from inceptionctl.data.order import generator
from inceptionctl.data.sources.digits import MARGIN, MODULES, SPLIT_SEED, Scans, as_rgb, index_digits, open_digits
from inceptionctl.settings import Finite, FractionRange, Integer, UnitInterval, section

USUAL_RENDERINGS = 10  # those of conf/data


@section
class Jitter:
    """How a digit is rendered."""

    size: FractionRange
    """Side of the scan as a fraction of the image: smallest and largest."""
    rotate: Annotated[Finite, Field(ge=0, le=180)]
    """Largest rotation to either side, in degrees."""
    contrast: FractionRange
    """Range of grey levels as a fraction of the full range: smallest and largest."""
    noise: UnitInterval
    """Standard deviation of the Gaussian noise as a fraction of the full range of grey levels."""


@section
class Settings(DataSource):
    """Scikit-learn's digits, rendered anew for every epoch."""

    title = "real digits, jittered"
    drawn = True
    modules = MODULES

    name: Literal["digits_jitter"]
    renderings: Annotated[Integer, Field(ge=1, le=1000)]
    """Fixed renderings of each evaluation digit, the same for every seed."""
    jitter: Jitter

    @property
    def image_set(self) -> str:
        usual = self.renderings == USUAL_RENDERINGS
        return self.eval_split if usual else f"{self.eval_split}-renderings{self.renderings}"

    def index(self, dev: bool) -> Index:
        return index_digits(self.eval_split, dev, self.renderings)

    def open(self, index: Index, views: Views, seed: int) -> DataSplits:
        def training(scans: Scans) -> JitteredDigits:
            return JitteredDigits(scans, views.pixels, self.jitter, seed)

        def evaluation(scans: Scans) -> JitteredDigits:
            return JitteredDigits(scans, views.pixels, self.jitter, SPLIT_SEED, self.renderings)

        return open_digits(self.eval_split, index.dev, views, training, evaluation)


@dataclass(frozen=True)
class JitteredDigits:
    """Image `index` of `epoch`, a pure function of both and `seed`.

    `renderings` > 1 repeats the set: image i shows digit i modulo its size, so that a prefix of the set has each once.
    """

    scans: Scans
    pixels: int
    jitter: Jitter
    seed: int
    renderings: int = 1

    def __len__(self) -> int:
        return len(self.scans) * self.renderings

    @property
    def labels_N(self) -> np.ndarray:
        return np.tile(self.scans.classes_N, self.renderings)

    @property
    def groups_N(self) -> np.ndarray:
        """The digit that each image shows: images of one digit are not independent."""
        return np.tile(self.scans.sources_N, self.renderings)

    def name(self, index: int) -> str:
        return f"digit {self.groups_N[index]}"

    def image(self, epoch: int, index: int) -> np.ndarray:
        """uint8, (pixels, pixels, 3)."""
        scan = Image.fromarray(self.scans.scans_NHW[index % len(self.scans)])
        return as_rgb(render(scan, self.pixels, self.jitter, generator(self.seed, epoch, index)))


def render(scan: Image.Image, pixels: int, jitter: Jitter, random: np.random.Generator) -> np.ndarray:
    """Pastes `scan` at a random place, size, angle and contrast and adds noise: uint8, (pixels, pixels)."""
    (smallest, largest), (lowest, highest) = jitter.size, jitter.contrast
    side = random.uniform(smallest, largest) * pixels
    angle = math.radians(random.uniform(-jitter.rotate, jitter.rotate))
    half = side / 2 * (abs(math.cos(angle)) + abs(math.sin(angle)))
    x, y = random.uniform(min(half, pixels / 2), max(pixels - half, pixels / 2), size=2)
    contrast = random.uniform(lowest, highest)
    noise = random.standard_normal((pixels, pixels), dtype=np.float32)

    inverse = _output_to_scan(x, y, angle, side / (scan.width - 2 * MARGIN), scan.width / 2)
    ink = scan.transform((pixels, pixels), Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC)
    grey: np.ndarray = 0.5 + contrast * (np.asarray(ink, dtype=np.float32) / 255 - 0.5) + jitter.noise * noise
    return (grey.clip(0, 1) * 255).round().astype(np.uint8)


def _output_to_scan(x: float, y: float, angle: float, scale: float, centre: float) -> Sequence[float]:
    """The six affine coefficients by which PIL maps a point of the image to a point of the scan."""
    a, b = math.cos(angle) / scale, math.sin(angle) / scale
    return a, b, centre - a * x - b * y, -b, a, centre + b * x - a * y
