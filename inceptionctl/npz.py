"""Reads or maps NPZ files that may be anything: bounded in size, and nothing in them is unpickled."""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from mmap import ACCESS_READ, mmap
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

MAX_BYTES = 256 << 20  # once unpacked, of a file that is not large itself
MAX_RATIO = 32  # unpacked to packed, of a larger one
MAX_ARRAYS = 64
LEAST_MAPPED = 1 << 20  # bytes of a file: a smaller one is read, since a mapping holds a file descriptor
LENGTHS = {(1, 0): 2, (2, 0): 4}  # bytes that the length of a header takes
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
ALIGNMENT = 64  # bytes: numpy pads the header of an array so that its values begin at a multiple, too
LOCAL_HEADER = struct.Struct("<26xHH")  # of a member of a ZIP file, 30 bytes: the lengths of its name and extra field
ZIP64_BYTES = 20  # that zipfile puts before the extra field of a member of unknown size
PADDING = struct.Struct("<HH")  # id and length of an extra field
PADDING_ID = 0xD935  # that of Android's zipalign: other programs pass over it


def read_npz(file: BinaryIO, limit: int | None = None, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of `names`, or all, of a file of at most `limit` bytes of arrays: sizes are checked before anything is
    unpacked. Raises ValueError for a file that is damaged or larger."""
    return _guarded(lambda: dict(_arrays(file, limit, names, _read)))


def map_npz(file: BinaryIO) -> dict[str, np.ndarray]:
    """The arrays of a file that `save_npz` wrote, read-only and in the pages of the file, which processes share; those
    of a small or a compressed file are read. Checksums are compared. Raises ValueError for a file that is damaged.

    A file that is mapped may be replaced, but not cut short: the process that reads further is killed (SIGBUS).
    """
    if file.seek(0, 2) < LEAST_MAPPED:
        return read_npz(file)

    def found() -> dict[str, np.ndarray]:
        mapped = memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))
        return dict(_arrays(file, None, None, lambda archive, member: _mapped(mapped, archive, member)))

    return _guarded(found)


def save_npz(file: BinaryIO, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes what `map_npz` maps: an NPZ file as `numpy.savez` writes it, but with each array at a multiple of
    ALIGNMENT bytes."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")
            begin = file.tell() + LOCAL_HEADER.size + len(member.filename) + ZIP64_BYTES + PADDING.size
            padding = -begin % ALIGNMENT
            member.extra = PADDING.pack(PADDING_ID, padding) + bytes(padding)
            with archive.open(member, "w", force_zip64=True) as to:
                npy.write_array(to, np.asarray(array), allow_pickle=False)


def _guarded(read: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    try:
        return read()
    except Exception as error:  # zipfile, zlib and numpy notice damage in a dozen ways
        raise ValueError(str(error) or type(error).__name__) from error


def _arrays(
    file: BinaryIO,
    limit: int | None,
    names: Collection[str] | None,
    read: Callable[[zipfile.ZipFile, zipfile.ZipInfo], np.ndarray],
) -> Iterator[tuple[str, np.ndarray]]:
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
                yield name, read(archive, member)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    return _array(member.filename, archive.read(member)).copy(order="K")  # its own, to write to


def _mapped(file: memoryview, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    if member.compress_type != zipfile.ZIP_STORED:
        return _read(archive, member)
    begin = member.header_offset + LOCAL_HEADER.size
    begin += sum(LOCAL_HEADER.unpack(file[member.header_offset : begin]))
    data = file[begin : begin + member.file_size]
    if zlib.crc32(data) != member.CRC:
        raise ValueError(f"{member.filename} differs from its CRC-32")
    return _array(member.filename, data)


def _array(name: str, data: bytes | memoryview) -> np.ndarray:
    """In the bytes of `data`. Raises ValueError if it says another size than its member has, or holds objects."""
    version = npy.read_magic(io.BytesIO(data[: npy.MAGIC_LEN]))
    size = LENGTHS[version]
    begin = npy.MAGIC_LEN + size + int.from_bytes(data[npy.MAGIC_LEN : npy.MAGIC_LEN + size], "little")
    shape, in_columns, dtype = _header(version, bytes(data[npy.MAGIC_LEN : begin]))
    count = math.prod(shape)
    if count * dtype.itemsize > len(data) - begin:
        raise ValueError(f"{name} says that it has more values than are there")
    return np.frombuffer(data, dtype, count, begin).reshape(shape, order="F" if in_columns else "C")


@lru_cache(maxsize=1024)
def _header(version: tuple[int, int], text: bytes) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Of thousands of files a report reads the same few headers, which take longer to parse than to read."""
    shape, in_columns, dtype = HEADERS[version](io.BytesIO(text))
    if dtype.hasobject:
        raise ValueError("Object arrays cannot be loaded: they are pickles")
    return shape, in_columns, dtype
