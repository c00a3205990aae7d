"""Decoded images held in memory, for small images that are read again in each epoch."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from inceptionctl.data.decode import read_pixels
from inceptionctl.data.index import FileList
from inceptionctl.errors import DataError, RequestError

MOST_BYTES = 4 << 30  # of one set of images


@dataclass(frozen=True, eq=False)
class ImageMemory:
    """`pixels` of all images one after the other, uint8; `shapes_N2`: height and width of each, 0 x 0 for one that
    could not be read.

    One array, not a list of images: forked workers would copy the pages of a list by counting references to its items.
    """

    pixels: np.ndarray
    shapes_N2: np.ndarray

    @classmethod
    def of(cls, files: FileList, most_bytes: int = MOST_BYTES) -> ImageMemory:
        """Decodes all images. Raises RequestError if they need more than `most_bytes`."""
        parts, total = list[np.ndarray](), 0
        for index in range(len(files)):
            parts.append(_decoded(files, index))
            total += parts[-1].size
            if total > most_bytes:
                raise RequestError(
                    f"data.in_memory=true: the first {len(parts):,} decoded images need {total / 2**30:.1f} GiB, and "
                    f"{most_bytes / 2**30:g} GiB is the most\n  leave it out: images are then read as they are needed"
                )
        flat = np.concatenate([part.ravel() for part in parts]) if parts else np.empty(0, np.uint8)
        return cls(flat, np.array([part.shape[:2] for part in parts], np.int64).reshape(-1, 2))

    def image(self, index: int) -> np.ndarray | None:
        """uint8, (height, width, 3); None for one that could not be read."""
        height, width = self.shapes_N2[index]
        begin = self._begins_N[index]
        if not height * width:
            return None
        return self.pixels[begin : begin + 3 * height * width].reshape(height, width, 3)

    @cached_property
    def _begins_N(self) -> np.ndarray:
        return np.concatenate([[0], np.cumsum(3 * self.shapes_N2.prod(axis=1))])


def _decoded(files: FileList, index: int) -> np.ndarray:
    """uint8, (height, width, 3); empty for an image that cannot be read, which is reported when its turn comes."""
    with suppress(DataError):
        return read_pixels(files, index)
    return np.empty((0, 0, 3), np.uint8)
