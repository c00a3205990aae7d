"""Images that are read from files or out of larger ones, for any data set that lists them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from PIL import Image

from inceptionctl.data.decode import read_image
from inceptionctl.data.decoded.cache import Cache, DecodedImages, open_cached
from inceptionctl.data.images import IGNORED, DataSplits, Input, Transform, Unreadable, Views
from inceptionctl.data.index import FileList, Index
from inceptionctl.data.lazy_image import DecodedImage, LazyImage
from inceptionctl.data.order import generator
from inceptionctl.data.same_tree import check_same_tree
from inceptionctl.data.variation import AnyCrop, Crop
from inceptionctl.errors import DataError, warn

MID_GREY = 128
OUTCOMES = {"skip": "skipped", "replace": "replaced", "wrong": "counted as wrong"}
# An evaluation image is never replaced: another one would count twice. No training image is wrong.
IN_EVALUATION, IN_TRAINING = {"replace": "skip"}, {"wrong": "skip"}


Decoded = Callable[[LazyImage, np.random.Generator], "Image.Image | np.ndarray | tuple[np.ndarray, ...] | AnyCrop"]


@dataclass(frozen=True)
class FileImages:
    """Images of files, as `transform` brings them to the input: image `index` of `epoch` is a pure function of both and
    `seed`. `on_corrupt`: "error" raises, "skip" gives grey that counts for nothing, "wrong" grey that counts as wrong,
    "replace" the next image by index that can be read. `cached`: the decoded images, where they are cached."""

    files: FileList
    transform: Decoded
    seed: int
    on_corrupt: str = "error"
    instead: str = "skip or replace"  # of "error", for its message
    cached: DecodedImages | None = None

    def __len__(self) -> int:
        return len(self.files)

    @property
    def labels_N(self) -> np.ndarray:
        return self.files.labels_N

    @property
    def groups_N(self) -> np.ndarray:
        return np.arange(len(self))

    def name(self, index: int) -> str:
        return self.files.name(index)

    def image(self, epoch: int, index: int) -> Input:
        """uint8, as `transform` gives it. Raises DataError for an image that cannot be read, and Unreadable with its
        replacement unless `on_corrupt` is "error"."""
        try:
            return self._transformed(epoch, index, self._read(index))
        except DataError as error:
            if self.on_corrupt == "error":
                raise DataError(f"{error}; remove it, or set data.on_corrupt={self.instead}") from error
            _warn_once(self.files.name(index), OUTCOMES[self.on_corrupt])
            raise Unreadable(str(error), *self._replacement(epoch, index), self.on_corrupt == "wrong") from error

    def _read(self, index: int) -> LazyImage:
        """A file that could not be read before is read again, for its error."""
        found = self.cached.image(index) if self.cached else None
        if found is None:
            return read_image(self.files, index)
        return DecodedImage(found) if isinstance(found, np.ndarray) else found

    def _transformed(self, epoch: int, index: int, image: LazyImage) -> Input:
        found = self.transform(image, generator(self.seed, epoch, index))
        if isinstance(found, AnyCrop):
            return found
        return tuple(map(np.asarray, found)) if isinstance(found, tuple) else np.asarray(found)

    def _replacement(self, epoch: int, index: int) -> tuple[Input, int]:
        """(image, label) in place of image `index`."""
        if self.on_corrupt in ("skip", "wrong"):
            nothing = DecodedImage(np.zeros((64, 64, 3), np.uint8))
            blank = self._transformed(epoch, index, nothing)  # the transform knows the size
            return _grey(blank), IGNORED if self.on_corrupt == "skip" else int(self.labels_N[index])
        for other in (*range(index + 1, len(self)), *range(index)):
            with suppress(DataError):
                return self._transformed(epoch, other, self._read(other)), int(self.labels_N[other])
        raise DataError(f"none of the {len(self)} images below {self.files.root} can be read")


@dataclass(frozen=True)
class OfImage:
    """`transform`, of the whole image."""

    transform: Transform

    def __call__(self, image: LazyImage, random: np.random.Generator) -> Image.Image | np.ndarray:
        return self.transform(Image.fromarray(image.whole()), random)


def open_splits(index: Index, views: Views, seed: int, on_corrupt: str, cache: Cache = "none") -> DataSplits:
    """The images of an index of files; of one without training images, none to train on. Raises RequestError where
    their folder is gone or holds others, and as `open_cached`."""
    for files in index.files.values():
        check_same_tree(files)
    splits = dict(index.files)
    splits.setdefault("train", index.files["eval"].subset(np.arange(0)))
    cached = open_cached(splits, cache)

    def evaluated(split: str, transform: Transform) -> FileImages:
        policy = IN_EVALUATION.get(on_corrupt, on_corrupt)
        return FileImages(splits[split], OfImage(transform), seed, policy, "skip or wrong", cached.get(split))

    policy = IN_TRAINING.get(on_corrupt, on_corrupt)
    return DataSplits(
        train=FileImages(splits["train"], views.train, seed, policy, cached=cached.get("train")),
        monitor=evaluated("dev" if index.dev else "eval", views.monitor or views.eval),
        eval=evaluated("eval", views.eval),
    )


def _grey(image: Input) -> Input:
    """An image of the same shape, or such images."""
    if isinstance(image, tuple):
        return tuple(np.full_like(part, MID_GREY) for part in image)
    if isinstance(image, Crop):
        plain = replace(image.variation, distortions=())  # grey stays as it is
        return replace(image, pixels=np.full_like(image.pixels, MID_GREY), variation=plain)
    return np.full_like(image, MID_GREY)


@cache
def _warn_once(name: str, outcome: str) -> None:
    warn(f"image {name} cannot be read ({outcome})")
