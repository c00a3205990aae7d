"""Decoded images in one file, which the processes of a machine share: the page cache holds its bytes once for all.

The file is the pixels of all images one after the other, uint8, (height, width, 3); then height, width and CRC-32 of
each; then a footer, which is written last. Images are read with pread, not mapped: a disk that fails or a file that is
cut short is then an error, and does not kill the process.
"""

from __future__ import annotations

import os
import struct
import weakref
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
from zlib_ng import zlib_ng

from inceptionctl.data.byte_ranges import MAX_SIDE
from inceptionctl.data.decode import read_pixels
from inceptionctl.data.index import FileList
from inceptionctl.errors import DataError

ROW = np.dtype([("height", "<i8"), ("width", "<i8"), ("crc32", "<u4")])
FOOTER = struct.Struct("<24s32sQI")  # MAGIC, key, number of images, CRC-32 of the rows
MAGIC = b"inceptionctl pixels 1"


class TooLarge(Exception):
    """The decoded images need more than `most` bytes: the first `images` do already."""

    def __init__(self, images: int, most: int) -> None:
        super().__init__(images, most)
        self.images, self.most = images, most


class Decoded(NamedTuple):
    """`pixels`: uint8, (height, width, 3); empty for an image that cannot be read."""

    pixels: np.ndarray
    crc32: int


def decoded(files: FileList, index: int) -> Decoded:
    """Image `index` of `files`. One that cannot be read is reported when its turn comes."""
    try:
        pixels = np.ascontiguousarray(read_pixels(files, index))
    except DataError:
        pixels = np.empty((0, 0, 3), np.uint8)
    return Decoded(pixels, zlib.crc32(pixels.data))


def write_pixels(file: BinaryIO, key: bytes, images: Iterable[Decoded], most_bytes: int) -> None:
    """Writes the whole of an empty file. Raises OSError, and TooLarge for pixels of more than `most_bytes`."""
    rows, total = list[tuple[int, int, int]](), 0
    for pixels, crc32 in images:
        rows.append((*pixels.shape[:2], crc32))
        total += pixels.size
        if total > most_bytes:
            raise TooLarge(len(rows), most_bytes)
        file.write(pixels.data)
    table = np.array(rows, ROW).tobytes()
    file.write(table)
    file.write(FOOTER.pack(MAGIC, key, len(rows), zlib.crc32(table)))
    file.flush()


@dataclass(frozen=True, eq=False)
class PixelFile:
    """An open file of decoded images. `descriptor`: its own, closed when it goes; `begins_N`: of each image's first
    byte. `damaged` is called with the reason when an image has not the bytes that were written."""

    descriptor: int
    sides_N2: np.ndarray
    crc32_N: np.ndarray
    begins_N: np.ndarray
    damaged: Callable[[str], None]

    def __post_init__(self) -> None:
        weakref.finalize(self, os.close, self.descriptor)

    @classmethod
    def open(cls, file: BinaryIO, key: bytes, n_images: int, damaged: Callable[[str], None]) -> PixelFile:
        """Raises ValueError for a file that is cut short, damaged, or not that of `key`; OSError if it cannot be
        read."""
        size = os.fstat(file.fileno()).st_size
        table_at = size - FOOTER.size - n_images * ROW.itemsize
        if table_at < 0:
            raise ValueError(f"it is cut short: it has {size:,} bytes")
        data = os.pread(file.fileno(), size - table_at, table_at)
        table, footer = data[: -FOOTER.size], data[-FOOTER.size :]
        if footer != FOOTER.pack(MAGIC, key, n_images, zlib.crc32(table)):
            raise ValueError("it does not end as a whole file of these images does")
        rows = np.frombuffer(table, ROW)
        sides_N2 = np.stack([rows["height"], rows["width"]], axis=1)
        ends_N = np.cumsum(3 * sides_N2.prod(axis=1))
        if sides_N2.min(initial=0) < 0 or sides_N2.max(initial=0) > MAX_SIDE or ends_N.max(initial=0) != table_at:
            raise ValueError("its images have other sizes than its length says")
        return cls(os.dup(file.fileno()), sides_N2, rows["crc32"], np.concatenate([[0], ends_N])[:-1], damaged)

    @property
    def size(self) -> int:
        """Bytes of all pixels."""
        return int(3 * self.sides_N2.prod(axis=1).sum())

    def image(self, index: int) -> np.ndarray | None:
        """uint8, (height, width, 3), a copy; None for one that could not be read when it was decoded, or not now."""
        height, width = self.sides_N2[index].tolist()
        if not height * width:
            return None
        pixels = np.empty((height, width, 3), np.uint8)
        try:
            n_bytes = os.preadv(self.descriptor, [pixels.data], int(self.begins_N[index]))
        except OSError as error:
            self.damaged(error.strerror or str(error))
            return None
        if n_bytes < pixels.nbytes or zlib_ng.crc32(pixels.data) != self.crc32_N[index]:
            self.damaged("it is cut short" if n_bytes < pixels.nbytes else "pixels differ from their CRC-32")
            return None
        return pixels
