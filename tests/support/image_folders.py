"""Small image folders and the settings that read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from inceptionctl.data.images import Views
from inceptionctl.data.sources import imagefolder
from inceptionctl.data.transforms import CentreCrop, NoAugmentation

SETTINGS = imagefolder.Settings(
    name="imagefolder",
    root=None,
    train=None,
    val=None,
    split=None,
    leave_out=None,
    train_fraction=None,
    cache="none",
    augment_on="cpu",
    decode_on="cpu",
    eval_split="test",
    on_corrupt="error",
    workers=0,
)


def settings(root: Path | None = None, **changed: object) -> imagefolder.Settings:
    """Those of `data=imagefolder`. Folders are listed anew: a test may have changed what is in them."""
    imagefolder._find.cache_clear()
    return replace(SETTINGS, root=str(root) if root else None, **changed)  # type: ignore[arg-type]


def plain_views(side: int) -> Views:
    """The square in the middle of every image, in training and evaluation."""
    return Views(side, NoAugmentation(name="none").transform(side), CentreCrop(side, 1.0))


def smooth(seed: int, size: tuple[int, int] = (48, 48)) -> Image.Image:
    """Smooth colours, which survive resizing and JPEG."""
    noise = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def fill(folder: Path, classes: tuple[str, ...] = ("ant", "bee", "cat"), count: int = 4, suffix: str = ".png") -> Path:
    """`count` images in a folder for each class, with no two alike."""
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            smooth(1000 * label + i).save(folder / name / f"{i:02d}{suffix}")
    return folder
