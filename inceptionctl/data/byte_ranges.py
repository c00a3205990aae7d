"""Images that lie in larger files: tar archives, Parquet files, arrays of pixels, and packed images. No torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from zlib_ng import zlib_ng

from inceptionctl.data.parquet.row_group import read_value
from inceptionctl.files import FileError, descriptor, read_at

Shape = tuple[int, ...]
AT_OFFSET = -1  # in `groups_N`
MAX_SIDE = 1 << 30  # of an image: the product of two, times 3, fits into 64 bits


@dataclass(frozen=True, eq=False)
class ByteRanges:
    """Where each image begins. `files`: paths below the root of a FileList; `file_N`: which of them an image lies in;
    `offset_N`: of its first byte. `crc32_N`: of the bytes of each image, where that is known; it is compared whenever
    an image is read. zlib_ng's takes a quarter of the time of zlib's.

    Raw pixels, uint8, have either one `shape`, (3, height, width) or of grey ones (height, width), or the heights and
    widths `sides_N2` of images (height, width, 3). Where both are None each image is encoded as in a file of its own.

    `column`: of Parquet files, which column has the images, and `groups_N`: the row group that is read for an image,
    where `offset_N` is its row in that; or AT_OFFSET for an image that is stored plainly, as in other files.
    `lengths`: of `files`, in bytes, where they are not known otherwise: a file of another length is another one.
    """

    files: tuple[str, ...]
    file_N: np.ndarray
    offset_N: np.ndarray
    shape: Shape | None = None
    crc32_N: np.ndarray | None = None
    sides_N2: np.ndarray | None = None
    column: str | None = None
    groups_N: np.ndarray | None = None
    lengths: tuple[int, ...] | None = None

    @classmethod
    def of(cls, facts: Mapping[str, Any], split: str, arrays: Mapping[str, np.ndarray]) -> ByteRanges:
        """From the arrays of a stored index."""
        shape = facts["shape"] and tuple(facts["shape"])
        crc32_N, sides_N2, groups_N = (arrays.get(f"{split}.{name}") for name in ("crc32", "sides", "groups"))
        places = (arrays[f"{split}.file"], arrays[f"{split}.offset"])
        lengths = tuple(found) if (found := facts.get("lengths")) else None  # runs of earlier versions have none
        return cls(tuple(facts["files"]), *places, shape, crc32_N, sides_N2, facts.get("column"), groups_N, lengths)

    @property
    def facts(self) -> dict[str, Any]:
        """What is not in arrays, for JSON."""
        found = {"files": self.files, "shape": self.shape, "lengths": self.lengths}
        return found | ({"column": self.column} if self.column else {})

    def to_arrays(self, split: str) -> dict[str, np.ndarray]:
        found = {"file": self.file_N, "offset": self.offset_N, "crc32": self.crc32_N, "sides": self.sides_N2}
        found["groups"] = self.groups_N
        return {f"{split}.{name}": array for name, array in found.items() if array is not None}

    def file(self, index: int) -> str:
        return self.files[int(self.file_N[index])]

    def subset(self, chosen_N: np.ndarray) -> ByteRanges:
        return replace(
            self,
            file_N=self.file_N[chosen_N],
            offset_N=self.offset_N[chosen_N],
            crc32_N=None if self.crc32_N is None else self.crc32_N[chosen_N],
            sides_N2=None if self.sides_N2 is None else self.sides_N2[chosen_N],
            groups_N=None if self.groups_N is None else self.groups_N[chosen_N],
        )

    def read(self, root: str, index: int, size: int) -> bytes:
        """Raises FileError for a file that is missing or ends within the image, and for an image that is damaged."""
        path, offset = Path(root, self.file(index)), int(self.offset_N[index])
        if self.column and self.groups_N is not None and (group := int(self.groups_N[index])) != AT_OFFSET:
            return read_value(path, self.column, group, offset)
        with descriptor(path) as file:
            if self.lengths and (differs := self.differs(index, os.fstat(file).st_size)):
                raise FileError(f"{path} cannot be read: {differs}")
            try:
                data = read_at(file, size, offset)
            except OSError as error:
                raise FileError(f"{path} cannot be read: {error.strerror}") from error
        if len(data) < size:
            raise FileError(f"{path} cannot be read: it is cut short, and ends before byte {offset + size:,}")
        if self.crc32_N is not None and zlib_ng.crc32(data) != self.crc32_N[index]:
            raise FileError(f"{path} cannot be read: it is damaged: bytes from {offset:,} on differ from their CRC-32")
        return data

    def differs(self, index: int, length: int) -> str:
        """Why the file of an image, now of `length` bytes, is not the one that was listed; "" if nothing says so."""
        before = self.lengths[int(self.file_N[index])] if self.lengths else length
        return "" if length == before else size_differs(length, before)

    def pixel_shape(self, index: int) -> Shape | None:
        """(height, width, channels) of raw pixels; None for an encoded image."""
        if self.sides_N2 is not None:
            return (int(self.sides_N2[index, 0]), int(self.sides_N2[index, 1]), 3)
        return self.shape and (*self.shape[-2:], 3 if len(self.shape) == 3 else 1)

    def pixels(self, index: int, data: bytes) -> np.ndarray | None:
        """The image that `read` gave as uint8, (height, width, 3), not to be written to; None for an encoded image."""
        if self.sides_N2 is not None:
            height, width = self.sides_N2[index]
            return np.frombuffer(data, np.uint8).reshape(height, width, 3)
        return None if self.shape is None else _from_planes(data, self.shape)

    def check(self, sizes_N: np.ndarray) -> None:
        """Raises ValueError unless there is a place in one of the files for each image, of `sizes_N` bytes."""
        for values_N in (self.file_N, self.offset_N):
            if values_N.dtype.kind != "i" or values_N.shape != sizes_N.shape or values_N.min(initial=0) < 0:
                raise ValueError("the places of images in larger files are not one for each image")
        if self.file_N.max(initial=-1) >= len(self.files) or not all(isinstance(name, str) for name in self.files):
            raise ValueError("an image lies in none of the larger files")
        if self.lengths is not None and list(map(type, self.lengths)) != [int] * len(self.files):
            raise ValueError("the lengths of larger files are not one for each")
        if self.crc32_N is not None and (self.crc32_N.dtype != np.uint32 or self.crc32_N.shape != sizes_N.shape):
            raise ValueError("the checksums of images are not one for each image")
        if self.sides_N2 is not None:
            _check_sides(self.sides_N2, sizes_N)
        if (self.column is None) != (self.groups_N is None) or not isinstance(self.column, str | None):
            raise ValueError("images in Parquet files have a column and row groups, and others have neither")
        if self.groups_N is not None and (self.groups_N.dtype.kind != "i" or self.groups_N.shape != sizes_N.shape):
            raise ValueError("the row groups of images are not one for each image")


def size_differs(found: int, indexed: int) -> str:
    """What is wrong with a file, for messages."""
    return f"it has {found:,} bytes, and had {indexed:,} when the images were listed"


def _check_sides(sides_N2: np.ndarray, sizes_N: np.ndarray) -> None:
    if sides_N2.dtype != np.int64 or sides_N2.shape != (len(sizes_N), 2) or sides_N2.min(initial=1) < 1:
        raise ValueError("the heights and widths of images are not two for each image")
    if sides_N2.max(initial=1) > MAX_SIDE or (3 * sides_N2.prod(axis=1) != sizes_N).any():
        raise ValueError("an image has another size than its height and width say")


def _from_planes(data: bytes, shape: Shape) -> np.ndarray:
    pixels = np.frombuffer(data, np.uint8).reshape(shape)
    planes = pixels if pixels.ndim == 3 else np.broadcast_to(pixels, (3, *shape))
    return np.ascontiguousarray(planes.transpose(1, 2, 0))
