"""The 1,797 handwritten digits that scikit-learn carries (UCI Optdigits test set): real pictures without a download."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from inceptionctl.data.order import generator

TEST_DIGITS = 360  # of 1,797
DEV_DIGITS = 287  # a fifth of the 1,437 that are left
SIZES = {"test": (1437, TEST_DIGITS), "dev": (1150, DEV_DIGITS)}  # (training, held out) by holdout
SPLIT_SEED = 0  # fixed: the split is part of what the figures mean
MARGIN = 1  # dark pixels around the 8x8 scan, so that strokes end inside the picture


@dataclass(frozen=True)
class Jitter:
    """How a digit is rendered: side of its scan as a share of the picture, degrees, span of grey levels, and the
    deviation of Gaussian noise, both as a share of the full range."""

    size: tuple[float, float]
    rotate: float
    contrast: tuple[float, float]
    noise: float


@dataclass(frozen=True)
class Digits:
    """Digits at `pixels` x `pixels`. With `jitter`, picture `index` of `epoch` is a pure function of both and `seed`.

    `renderings` > 1 repeats the set: picture i shows digit i modulo its size, so a prefix of the set has each once.
    """

    scans_NHW: np.ndarray
    classes_N: np.ndarray
    sources_N: np.ndarray
    pixels: int
    jitter: Jitter | None
    seed: int
    renderings: int = 1

    def __len__(self) -> int:
        return len(self.scans_NHW) * self.renderings

    @property
    def labels_N(self) -> np.ndarray:
        return np.tile(self.classes_N, self.renderings)

    @property
    def groups_N(self) -> np.ndarray:
        """The source digit of each picture: pictures of one digit are not independent."""
        return np.tile(self.sources_N, self.renderings)

    def image(self, epoch: int, index: int) -> np.ndarray:
        """uint8, (pixels, pixels, 3)."""
        scan = Image.fromarray(self.scans_NHW[index % len(self.scans_NHW)])
        if self.jitter is None:
            grey = np.asarray(scan.resize((self.pixels, self.pixels), Image.Resampling.BICUBIC))
        else:
            grey = render(scan, self.pixels, self.jitter, generator(self.seed, epoch, index))
        return np.repeat(grey[:, :, None], 3, axis=2)


def render(scan: Image.Image, pixels: int, jitter: Jitter, random: np.random.Generator) -> np.ndarray:
    """Pastes `scan` at a random place, size, angle and contrast and adds noise: uint8, (pixels, pixels)."""
    side = random.uniform(*jitter.size) * pixels
    angle = math.radians(random.uniform(-jitter.rotate, jitter.rotate))
    half = side / 2 * (abs(math.cos(angle)) + abs(math.sin(angle)))
    x, y = random.uniform(min(half, pixels / 2), max(pixels - half, pixels / 2), size=2)
    contrast = random.uniform(*jitter.contrast)
    noise = random.standard_normal((pixels, pixels), dtype=np.float32)

    inverse = _output_to_scan(x, y, angle, side / (scan.width - 2 * MARGIN), scan.width / 2)
    ink = scan.transform((pixels, pixels), Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC)
    grey = 0.5 + contrast * (np.asarray(ink, dtype=np.float32) / 255 - 0.5) + jitter.noise * noise
    return (grey.clip(0, 1) * 255).round().astype(np.uint8)


def _output_to_scan(x: float, y: float, angle: float, scale: float, centre: float) -> Sequence[float]:
    """The six affine coefficients by which PIL finds the point of the scan for a point of the picture."""
    a, b = math.cos(angle) / scale, math.sin(angle) / scale
    return a, b, centre - a * x - b * y, -b, a, centre + b * x - a * y


def load(pixels: int, jitter: Jitter | None, seed: int, renderings: int, holdout: str) -> tuple[Digits, Digits]:
    """(training, held-out) digits. `holdout`: "test" holds 360 out of 1,797; "dev" holds 287 out of the other 1,437, to
    choose settings on. Held-out pictures have `renderings` fixed renderings each, the same for every seed."""
    from sklearn.datasets import load_digits

    raw = load_digits()
    scans = np.pad((raw.images * 255 / 16).astype(np.uint8), ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))
    train, eval = split(raw.target, holdout)
    fixed = renderings if jitter else 1
    return (
        Digits(scans[train], raw.target[train], train, pixels, jitter, seed),
        Digits(scans[eval], raw.target[eval], eval, pixels, jitter, SPLIT_SEED, fixed),
    )


def split(labels: np.ndarray, holdout: str) -> tuple[np.ndarray, np.ndarray]:
    """Indices of (training, held-out) digits, stratified by class and fixed for all time."""
    from sklearn.model_selection import train_test_split

    def carve(indices: np.ndarray, eval: int) -> tuple[np.ndarray, np.ndarray]:
        parts = train_test_split(indices, test_size=eval, stratify=labels[indices], random_state=SPLIT_SEED)
        return np.sort(parts[0]), np.sort(parts[1])

    train, test = carve(np.arange(len(labels)), TEST_DIGITS)
    return (train, test) if holdout == "test" else carve(train, DEV_DIGITS)
