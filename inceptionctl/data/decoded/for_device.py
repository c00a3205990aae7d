"""Decoded images to train on that each rank holds on its device (`data.cache=device`): workers send no pixels of them.
No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from inceptionctl.data.decode import read_pixels
from inceptionctl.data.decoded.pixel_file import PixelFile
from inceptionctl.data.index import FileList
from inceptionctl.data.lazy_image import Box, DecodedImage
from inceptionctl.errors import DataError


@dataclass(frozen=True, eq=False)
class ForDevice:
    """The images of `files`, whose pixels lie in `file`. On the device they lie one after the other, as they do
    there."""

    files: FileList
    file: PixelFile

    def image(self, index: int) -> DeviceImage | None:
        """None for one that could not be read when it was decoded."""
        height, width = self.file.sides_N2[index].tolist()
        return DeviceImage(self, index, (width, height)) if height * width else None

    def pixels(self, index: int) -> np.ndarray:
        """uint8, (height, width, 3), of its own file where those in `file` are damaged. Raises DataError if it cannot
        be read there."""
        found = self.file.image(index)
        if found is None:
            found = read_pixels(self.files, index)
            if found.shape[:2] != tuple(self.file.sides_N2[index]):
                raise DataError(f"image {self.files.name(index)} has another size than when it was decoded")
        return found

    def pieces(self, most_bytes: int) -> Iterator[np.ndarray]:
        """All pixels in their order, as arrays of one dimension of about `most_bytes`. Raises DataError as `pixels`."""
        piece, size = list[np.ndarray](), 0
        for index in np.flatnonzero(self.file.sides_N2.prod(axis=1)).tolist():
            piece.append(self.pixels(index).ravel())
            size += piece[-1].size
            if size >= most_bytes:
                yield np.concatenate(piece)
                piece, size = [], 0
        if piece:
            yield np.concatenate(piece)


@dataclass(frozen=True, eq=False)
class DeviceImage:
    """Image `index` of `cached`, a LazyImage of `size`, (width, height): an augmentation on the device takes no pixels
    of it here."""

    cached: ForDevice
    index: int
    size: tuple[int, int]

    def crop(self, box: Box) -> np.ndarray:
        return DecodedImage(self.whole()).crop(box)

    def whole(self) -> np.ndarray:
        return self.cached.pixels(self.index)
