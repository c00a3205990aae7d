"""Noise instead of images, for the speed of training and evaluation alone: nothing is read, decoded or learned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from inceptionctl.data.images import DataSource, DataSplits, Views
from inceptionctl.data.index import Index
from inceptionctl.data.order import generator
from inceptionctl.data.sources.digits import Drawn
from inceptionctl.errors import RequestError
from inceptionctl.settings import MOST, Count, Integer, section

EVALUATION_SEED, MONITOR_SEED = 0, 1
EVALUATED = 10  # training images for each one to evaluate on
STEPS = (7919, 104729)  # primes: the places of images that follow each other, and of epochs, differ


@dataclass(frozen=True)
class Noise:
    """Image `index` of `epoch`: a part of one noise tile, whose place is a function of both; the tile is one of
    `seed`."""

    length: int
    classes: int
    pixels: int
    seed: int

    def __len__(self) -> int:
        return self.length

    @property
    def labels_N(self) -> np.ndarray:
        return np.arange(self.length) % self.classes

    @property
    def groups_N(self) -> np.ndarray:
        return np.arange(self.length)

    def name(self, index: int) -> str:
        return f"noise {index}"

    def image(self, epoch: int, index: int) -> np.ndarray:
        """uint8, (pixels, pixels, 3)."""
        place = index * STEPS[0] + epoch * STEPS[1]
        top, left = place % self.pixels, place // self.pixels % self.pixels
        return self._tile[top : top + self.pixels, left : left + self.pixels].copy()

    @cached_property
    def _tile(self) -> np.ndarray:
        side = 2 * self.pixels
        return generator(self.seed, 0, 0).integers(0, 256, (side, side, 3), dtype=np.uint8)


@section
class Settings(DataSource):
    """Noise of the size of the network's input, for speed only: errors mean nothing."""

    title = "synthetic images (for speed only)"
    drawn = True

    name: Literal["synthetic"]
    images: Count
    """Images to train on; a tenth as many, and one of each class at least, to evaluate on."""
    classes: Annotated[Integer, Field(ge=2, le=MOST)]
    """Number of classes."""

    def index(self, dev: bool) -> Index:
        if self.images < 2 * self.classes:
            raise RequestError(
                f"data.images = {self.images} is too small for data.classes = {self.classes}: give at least two images "
                f"of each class, {2 * self.classes}"
            )
        n_train, n_eval = self._sizes(dev)
        return Index(
            n_train=n_train,
            n_eval=n_eval,
            classes=tuple(map(str, range(self.classes))),
            provenance=f"synthetic noise, for speed only: errors mean nothing; {n_train:,} images to train on, "
            f"{n_eval:,} to evaluate on",
            fingerprint=None,
            eval_fingerprint=None,
            dev=dev,
        )

    def open(self, index: Index, views: Views, seed: int) -> DataSplits:
        def noise(length: int, seed: int) -> Noise:
            return Noise(length, self.classes, views.pixels, seed)

        return DataSplits(
            train=noise(index.n_train, seed),
            monitor=noise(index.n_eval, MONITOR_SEED),
            eval=Drawn(noise(index.n_eval, EVALUATION_SEED), views.eval),
        )

    def _sizes(self, dev: bool) -> tuple[int, int]:
        """(training, evaluation) images; a dev split is taken from the former."""
        n_eval = max(self.images // EVALUATED, self.classes)
        return self.images - n_eval if dev or self.eval_split == "dev" else self.images, n_eval
