"""Images that are read from files, for any data set that lists files."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from inceptionctl.data.decode import decode
from inceptionctl.data.images import IGNORED, Transform, Unreadable
from inceptionctl.data.index import FileList
from inceptionctl.data.order import generator
from inceptionctl.errors import DataError, warn

MID_GREY = 128


@dataclass(frozen=True)
class FileImages:
    """Images of files, as `transform` brings them to the input: image `index` of `epoch` is a pure function of both and
    `seed`. `on_corrupt`: "error" raises, "skip" gives grey that counts for nothing, "replace" gives the next image by
    index that can be read."""

    files: FileList
    transform: Transform
    seed: int
    on_corrupt: str = "error"

    def __len__(self) -> int:
        return len(self.files)

    @property
    def labels_N(self) -> np.ndarray:
        return self.files.labels_N

    @property
    def groups_N(self) -> np.ndarray:
        return np.arange(len(self))

    def image(self, epoch: int, index: int) -> np.ndarray:
        """uint8, (pixels, pixels, 3). Raises DataError for an image that cannot be read, and Unreadable with its
        replacement unless `on_corrupt` is "error"."""
        path = self.files.path(index)
        try:
            return self._transformed(epoch, index, decode(path))
        except DataError as error:
            if self.on_corrupt == "error":
                raise DataError(f"{error}; remove it, or set data.on_corrupt=skip or replace") from error
            _warn_once(path, "skipped" if self.on_corrupt == "skip" else "replaced")
            raise Unreadable(str(error), *self._replacement(epoch, index)) from error

    def _transformed(self, epoch: int, index: int, image: Image.Image) -> np.ndarray:
        return np.asarray(self.transform(image, generator(self.seed, epoch, index)))

    def _replacement(self, epoch: int, index: int) -> tuple[np.ndarray, int]:
        """(image, label) in place of image `index`."""
        if self.on_corrupt == "skip":
            blank = self._transformed(epoch, index, Image.new("RGB", (64, 64)))  # the transform knows the size
            return np.full_like(blank, MID_GREY), IGNORED
        for other in (*range(index + 1, len(self)), *range(index)):
            with suppress(DataError):
                return self._transformed(epoch, other, decode(self.files.path(other))), int(self.labels_N[other])
        raise DataError(f"none of the {len(self)} images below {self.files.root} can be read")


@cache
def _warn_once(path: Path, outcome: str) -> None:
    warn(f"image {path} cannot be read ({outcome})")
