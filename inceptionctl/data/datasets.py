"""The data sets by name: what they hold, told without reading a picture, and the pictures themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Images(Protocol):
    """A set of pictures. `labels_N`: class of each; `groups_N`: source of each, where several pictures share one."""

    @property
    def labels_N(self) -> np.ndarray: ...

    @property
    def groups_N(self) -> np.ndarray: ...

    def __len__(self) -> int: ...

    def image(self, epoch: int, index: int) -> np.ndarray:
        """uint8, (height, width, 3); the same for the same arguments."""


@dataclass(frozen=True)
class DataSet:
    """`train` and `held` pictures in the splits and their `classes`; `origin` says which splits these are;
    `fingerprint` is a digest of pictures that are the user's own. `load` opens (training, held-out) pictures for a
    seed, which varies the training ones alone."""

    train: int
    held: int
    classes: tuple[str, ...]
    origin: str
    fingerprint: str | None
    load: Callable[[int], tuple[Images, Images]]


def digits(pixels: int, jitter: dict[str, object] | None, renderings: int, holdout: str) -> DataSet:
    from inceptionctl.data import digits

    rendering = digits.Jitter(**jitter) if jitter else None  # type: ignore[arg-type]
    train, held = digits.SIZES[holdout]
    return DataSet(
        train=train,
        held=held * (renderings if jitter else 1),
        classes=tuple("0123456789"),
        origin=f"scikit-learn's digits, {train:,} to train and {held} held out ({holdout})",
        fingerprint=None,
        load=lambda seed: digits.load(pixels, rendering, seed, renderings, holdout),
    )


def imagefolder(
    pixels: int,
    root: str | None,
    train: str | None,
    val: str | None,
    split: float | None,
    holdout: str,
    augment: str,
    crop: float,
) -> DataSet:
    """Raises RequestError where there are no such folders or no pictures in them."""
    from inceptionctl.data.augment import AUGMENTATIONS, CentreCrop
    from inceptionctl.data.imagefolder import FolderImages, find

    splits = find(root, train, val, split, holdout)
    plain = CentreCrop(pixels, crop)
    varied = AUGMENTATIONS[augment](pixels) if augment in AUGMENTATIONS else plain
    return DataSet(
        train=len(splits.train.files),
        held=len(splits.held.files),
        classes=splits.train.classes,
        origin=splits.origin,
        fingerprint=splits.fingerprint,
        load=lambda seed: (FolderImages(splits.train, varied, seed), FolderImages(splits.held, plain, seed)),
    )
