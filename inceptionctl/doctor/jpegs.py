"""Photographs that are none, for a speed without the user's own: the size and the bytes of ImageNet's usual files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (500, 375)  # width, height: the median of ImageNet
GRAIN = 12.0  # of 255: about 110 kB at QUALITY, ImageNet's mean
QUALITY = 90
DISTINCT = 16  # files; the others are links to these
CLASSES = 4
SPLITS = ("train", "val")


def write_jpegs(root: Path, num_images: int) -> None:
    """`root` with train/ and val/, a folder for each class, `num_images` in each split."""
    (root / "distinct").mkdir(parents=True)
    distinct = [root / "distinct" / f"{i}.jpg" for i in range(min(DISTINCT, num_images))]
    for i, path in enumerate(distinct):
        photograph(i).save(path, quality=QUALITY)
    for split in SPLITS:
        for i in range(max(num_images, CLASSES)):
            folder = root / "images" / split / str(i % CLASSES)
            folder.mkdir(parents=True, exist_ok=True)
            os.link(distinct[i % len(distinct)], folder / f"{i}.jpg")


def photograph(seed: int) -> Image.Image:
    """Smooth colours with grain."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    grain = random.normal(0, GRAIN, (SIZE[1], SIZE[0], 1))
    return Image.fromarray((np.asarray(coarse) + grain).clip(0, 255).astype(np.uint8))
