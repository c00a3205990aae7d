"""Opens the images to evaluate on for several networks at once: each image is decoded once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from inceptionctl.data.images import DataSource, Images, Transform, Views
from inceptionctl.data.index import Index
from inceptionctl.data.lazy_image import LazyImage

if TYPE_CHECKING:
    from PIL import Image

SEED = 0  # evaluation images do not depend on it


@dataclass(frozen=True)
class Together:
    """What each of `transforms` makes of one decoded image: a tuple."""

    transforms: tuple[Transform, ...]

    def __call__(self, image: Image.Image, random: np.random.Generator) -> Any:  # noqa: ANN401  a tuple of inputs
        return tuple(transform(image, random) for transform in self.transforms)


@dataclass(frozen=True)
class Zipped:
    """The same images at several sizes: image i is the tuple of image i of each of `parts`."""

    parts: tuple[Images, ...]

    def __len__(self) -> int:
        return len(self.parts[0])

    @property
    def labels_N(self) -> np.ndarray:
        return self.parts[0].labels_N

    @property
    def groups_N(self) -> np.ndarray:
        return self.parts[0].groups_N

    def name(self, index: int) -> str:
        return self.parts[0].name(index)

    def image(self, epoch: int, index: int) -> tuple[np.ndarray, ...]:
        return tuple(part.image(epoch, index) for part in self.parts)  # type: ignore[misc]


def open_eval(source: DataSource, index: Index, transforms: Sequence[Transform], pixels: Sequence[int]) -> Images:
    """The evaluation images of `index`, each a tuple with an input for each network: `transforms` and `pixels` of each.

    Images that are drawn are drawn at each size. Raises RequestError where files are gone.
    """
    if source.drawn:
        views = [Views(size, no_training, transform) for size, transform in zip(pixels, transforms, strict=True)]
        return Zipped(tuple(source.open(index, each, SEED).eval for each in views))
    together = Together(tuple(transforms))
    return source.open(index, Views(max(pixels), no_training, together), SEED).eval


def no_training(image: LazyImage, random: np.random.Generator) -> np.ndarray:
    """In place of an augmentation, where no training image is read."""
    raise AssertionError("evaluation reads no training images")
