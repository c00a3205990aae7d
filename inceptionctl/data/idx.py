"""The idx format of MNIST and of the data sets that took it over: a header of big-endian integers, then bytes."""

from __future__ import annotations

import math
import struct

UNSIGNED_BYTES = 0x08  # the third byte of a file: the type of its values


def idx_header(data: bytes, n_dimensions: int) -> tuple[int, ...]:
    """The dimensions of an array of bytes. Raises ValueError for another type or number of dimensions, and unless the
    file ends with the array."""
    if data[:4] != bytes([0, 0, UNSIGNED_BYTES, n_dimensions]):
        raise ValueError(
            f"it begins with {data[:4].hex(' ') or 'nothing'}, an idx file of bytes in {n_dimensions} dimensions with "
            f"00 00 08 {n_dimensions:02x}"
        )
    header = data[4 : header_bytes(n_dimensions)]
    shape = struct.unpack(f">{n_dimensions}I", header.ljust(4 * n_dimensions, b"\0"))
    expected = header_bytes(n_dimensions) + math.prod(shape)
    if len(data) != expected:
        raise ValueError(f"it has {len(data):,} bytes, and its header promises {expected:,}")
    return shape


def header_bytes(n_dimensions: int) -> int:
    return 4 + 4 * n_dimensions
