"""The data sets by name: what they hold, told without reading a picture, and the pictures themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from inceptionctl.errors import DataError

IGNORED = -100  # the label that torch's cross entropy passes over


class Images(Protocol):
    """A set of pictures. `labels_N`: class of each; `groups_N`: source of each, where several pictures share one."""

    @property
    def labels_N(self) -> np.ndarray: ...

    @property
    def groups_N(self) -> np.ndarray: ...

    def __len__(self) -> int: ...

    def image(self, epoch: int, index: int) -> np.ndarray:
        """uint8, (height, width, 3); the same for the same arguments. Raises DataError for one that cannot be read, and
        Unreadable where the run may go on without it."""


class Unreadable(DataError):
    """A picture that cannot be read: `image`, uint8 and of its size, stands in for it, with `label`, the image's own or
    IGNORED."""

    def __init__(self, message: str, image: np.ndarray, label: int) -> None:
        super().__init__(message)
        self.image, self.label = image, label


@dataclass(frozen=True)
class Pictures:
    """To train on, to look at meanwhile, and to evaluate on."""

    train: Images
    monitor: Images
    eval: Images


@dataclass(frozen=True)
class DataSet:
    """`train` and `held` pictures in the splits and their `classes`; `origin` says which splits these are;
    `fingerprint` is a digest of pictures that are the user's own. `load` opens the pictures for a seed, which varies
    the training ones alone.

    With `dev`, a share of the training pictures is set apart to look at meanwhile and to choose by; without, the first
    of the held-out ones are looked at, and nothing is chosen.
    """

    train: int
    eval: int
    classes: tuple[str, ...]
    origin: str
    fingerprint: str | None
    load: Callable[[int], Pictures]


def digits(pixels: int, jitter: dict[str, object] | None, renderings: int, holdout: str, dev: bool) -> DataSet:
    from inceptionctl.data.sources import digits

    rendering = digits.Jitter(**jitter) if jitter else None  # type: ignore[arg-type]
    kept = "dev" if dev else holdout
    chosen = f", {digits.DEV_DIGITS} to choose by" if dev else ""
    train, eval = digits.SIZES[kept][0], digits.SIZES[holdout][1]

    def load(seed: int) -> Pictures:
        training, monitor = digits.load(pixels, rendering, seed, renderings, kept)
        return Pictures(training, monitor, digits.load(pixels, rendering, seed, renderings, holdout)[1])

    return DataSet(
        train=train,
        eval=eval * (renderings if jitter else 1),
        classes=tuple("0123456789"),
        origin=f"scikit-learn's digits, {train:,} to train and {eval} held out ({holdout}){chosen}",
        fingerprint=None,
        load=load,
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
    corrupt: str,
    dev: bool,
) -> DataSet:
    """Raises RequestError where there are no such folders or no pictures in them.

    `corrupt` is that of `FolderImages`; but a held-out picture is never replaced, which would count another one twice:
    it is skipped.
    """
    from inceptionctl.data.sources.imagefolder import FolderImages, find
    from inceptionctl.data.transforms import AUGMENTATIONS, CentreCrop

    splits = find(root, train, val, split, holdout)
    chosen = find(root, train, val, split, "dev") if dev else splits
    plain = CentreCrop(pixels, crop)
    varied = AUGMENTATIONS[augment](pixels) if augment in AUGMENTATIONS else plain
    unreplaced = "skip" if corrupt == "replace" else corrupt
    return DataSet(
        train=len(chosen.train.files),
        eval=len(splits.eval.files),
        classes=splits.train.classes,
        origin=chosen.origin,
        fingerprint=splits.fingerprint,
        load=lambda seed: Pictures(
            FolderImages(chosen.train, varied, seed, corrupt),
            FolderImages(chosen.eval, plain, seed, unreplaced),
            FolderImages(splits.eval, plain, seed, unreplaced),
        ),
    )
