"""The 1,797 handwritten digits that scikit-learn carries (UCI Optdigits test set): real images without a download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from inceptionctl.data.images import DataSource, DataSplits, Images, Transform, Views
from inceptionctl.data.index import Index
from inceptionctl.data.order import generator
from inceptionctl.settings import section

N_TEST = 360  # of 1,797
N_DEV = 287  # a fifth of the other 1,437
SIZES = {"test": (1437, N_TEST), "dev": (1150, N_DEV)}  # (training, evaluation) digits by evaluation split
SPLIT_SEED = 0  # fixed: the split is part of what the figures mean
MODULES = ("sklearn.datasets", "sklearn.model_selection")
MARGIN = 1  # dark pixels around the 8x8 scan, so that strokes end inside the image


@dataclass(frozen=True)
class Scans:
    """Scans of one split, uint8, with `MARGIN`; `sources_N`: which of the 1,797 digits each is."""

    scans_NHW: np.ndarray
    classes_N: np.ndarray
    sources_N: np.ndarray

    def __len__(self) -> int:
        return len(self.scans_NHW)


@dataclass(frozen=True)
class Digits:
    """Scans enlarged to `pixels` x `pixels`."""

    scans: Scans
    pixels: int

    def __len__(self) -> int:
        return len(self.scans)

    @property
    def labels_N(self) -> np.ndarray:
        return self.scans.classes_N

    @property
    def groups_N(self) -> np.ndarray:
        return self.scans.sources_N

    def name(self, index: int) -> str:
        return f"digit {self.scans.sources_N[index]}"

    def image(self, epoch: int, index: int) -> np.ndarray:
        """uint8, (pixels, pixels, 3)."""
        scan = Image.fromarray(self.scans.scans_NHW[index])
        return as_rgb(np.asarray(scan.resize((self.pixels, self.pixels), Image.Resampling.BICUBIC)))


@dataclass(frozen=True)
class Drawn:
    """`images` that are drawn, as `transform` brings them to the input."""

    images: Images
    transform: Transform

    def __len__(self) -> int:
        return len(self.images)

    @property
    def labels_N(self) -> np.ndarray:
        return self.images.labels_N

    @property
    def groups_N(self) -> np.ndarray:
        return self.images.groups_N

    def name(self, index: int) -> str:
        return self.images.name(index)

    def image(self, epoch: int, index: int) -> np.ndarray:
        """uint8, as `transform` gives it."""
        drawn = self.images.image(epoch, index)
        assert isinstance(drawn, np.ndarray), "one image, whatever is made of it"
        return np.asarray(self.transform(Image.fromarray(drawn), generator(SPLIT_SEED, epoch, index)))


@section
class Settings(DataSource):
    """Scikit-learn's digits as they are. A trained network is at its ceiling here: for smoke tests."""

    title = "real digits"
    drawn = True
    modules = MODULES

    name: Literal["digits"]

    def index(self, dev: bool) -> Index:
        return index_digits(self.eval_split, dev, renderings=1)

    def open(self, index: Index, views: Views, seed: int) -> DataSplits:
        def images(scans: Scans) -> Digits:
            return Digits(scans, views.pixels)

        return open_digits(self.eval_split, index.dev, views, images, images)


def index_digits(eval_split: str, dev: bool, renderings: int) -> Index:
    """`renderings`: images of each evaluation digit."""
    n_train, n_eval = SIZES["dev" if dev else eval_split][0], SIZES[eval_split][1]
    each = f", {renderings} renderings of each" if renderings > 1 else ""
    chosen = f"; {N_DEV} to choose checkpoints by" if dev else ""
    counts = f"{n_train:,} to train on, {n_eval} to evaluate on ({eval_split}{each}){chosen}"
    return Index(
        n_train=n_train,
        n_eval=n_eval * renderings,
        classes=tuple("0123456789"),
        provenance=f"scikit-learn's digits: {counts}",
        fingerprint=None,
        eval_fingerprint=None,
        dev=dev,
    )


def open_digits(
    eval_split: str,
    dev: bool,
    views: Views,
    training: Callable[[Scans], Images],
    evaluation: Callable[[Scans], Images],
) -> DataSplits:
    train, monitor = read_scans("dev" if dev else eval_split)
    return DataSplits(
        train=training(train),
        monitor=evaluation(monitor),  # as they are drawn, whatever the protocol
        eval=Drawn(evaluation(read_scans(eval_split)[1]), views.eval),
    )


def read_scans(eval_split: str) -> tuple[Scans, Scans]:
    """(training, evaluation) digits: "test" evaluates on 360 of the 1,797, "dev" on 287 of the other 1,437."""
    from sklearn.datasets import load_digits

    raw = load_digits()
    scans = np.pad((raw.images * 255 / 16).astype(np.uint8), ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))
    train, eval = split_digits(raw.target, eval_split)
    return Scans(scans[train], raw.target[train], train), Scans(scans[eval], raw.target[eval], eval)


def split_digits(labels: np.ndarray, eval_split: str) -> tuple[np.ndarray, np.ndarray]:
    """Indices of (training, evaluation) digits, stratified by class and the same for every seed."""
    from sklearn.model_selection import train_test_split

    def split(indices: np.ndarray, n_eval: int) -> tuple[np.ndarray, np.ndarray]:
        parts = train_test_split(indices, test_size=n_eval, stratify=labels[indices], random_state=SPLIT_SEED)
        return np.sort(parts[0]), np.sort(parts[1])

    train, test = split(np.arange(len(labels)), N_TEST)
    return (train, test) if eval_split == "test" else split(train, N_DEV)


def as_rgb(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[:, :, None], 3, axis=2)
