"""Reads NPZ files that may be anything: bounded in size, and nothing in them is unpickled."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

MAX_BYTES = 256 << 20  # once unpacked, of a file that is not large itself
MAX_RATIO = 32  # unpacked to packed, of a larger one
MAX_ARRAYS = 64
LENGTHS = {(1, 0): 2, (2, 0): 4}  # bytes that the length of a header takes
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npz(file: BinaryIO, limit: int | None = None, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of `names`, or all, of a file of at most `limit` bytes of arrays: sizes are checked before anything is
    unpacked. Raises ValueError for a file that is damaged or larger."""
    try:
        return dict(_arrays(file, limit, names))
    except Exception as error:  # zipfile, zlib and numpy notice damage in a dozen ways
        raise ValueError(str(error) or type(error).__name__) from error


def _arrays(file: BinaryIO, limit: int | None, names: Collection[str] | None) -> Iterator[tuple[str, np.ndarray]]:
    """Raises ValueError if the file is too large when it is unpacked, TypeError for what is no array."""
    with zipfile.ZipFile(file) as archive:
        packed, members = file.seek(0, 2), archive.infolist()
        total, most = sum(member.file_size for member in members), limit or max(MAX_BYTES, MAX_RATIO * packed)
        if total > most or len(members) > MAX_ARRAYS:
            raise ValueError(f"it unpacks to {len(members):,} arrays of {total:,} bytes, more than {most:,}")
        for member in members:
            name = member.filename.removesuffix(".npy")
            if name == member.filename:
                raise TypeError(f"{name} is no array")
            if names is None or name in names:
                yield name, _array(name, archive.read(member))


def _array(name: str, data: bytes) -> np.ndarray:
    """Raises ValueError if it says another size than its member has, or holds objects."""
    version = npy.read_magic(io.BytesIO(data[: npy.MAGIC_LEN]))
    size = LENGTHS[version]
    begin = npy.MAGIC_LEN + size + int.from_bytes(data[npy.MAGIC_LEN : npy.MAGIC_LEN + size], "little")
    shape, in_columns, dtype = _header(version, data[npy.MAGIC_LEN : begin])
    count = math.prod(shape)
    if count * dtype.itemsize > len(data) - begin:
        raise ValueError(f"{name}.npy says that it has more values than are there")
    found = np.frombuffer(data, dtype, count, begin).reshape(shape, order="F" if in_columns else "C")
    return found.copy(order="K")  # its own, to write to


@lru_cache(maxsize=1024)
def _header(version: tuple[int, int], text: bytes) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Of thousands of files a report reads the same few headers, which take longer to parse than to read."""
    shape, in_columns, dtype = HEADERS[version](io.BytesIO(text))
    if dtype.hasobject:
        raise ValueError("Object arrays cannot be loaded: they are pickles")
    return shape, in_columns, dtype
