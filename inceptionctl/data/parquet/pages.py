"""Where the values of an uncompressed, plainly encoded column lie in a Parquet file, by the heads of its pages alone.

A page is a head in Thrift's compact protocol, definition levels, and values: a length of four bytes before each. The
format: parquet.apache.org/docs/file-format, parquet-format/src/main/thrift/parquet.thrift.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

MAX_HEAD = 1 << 16  # bytes of the head of a page: statistics make it long
LENGTH = 4  # bytes of a length before a value
DATA_PAGE, DATA_PAGE_V2 = 0, 3  # of PageType
PLAIN = 0  # of Encoding
TYPE, SIZE, HEAD, HEAD_V2 = 1, 3, 5, 8  # fields of PageHeader
VALUES, ENCODING = 1, 2  # of DataPageHeader
V2_VALUES, V2_ENCODING, V2_DEFINITION, V2_REPETITION = 1, 4, 5, 6  # of DataPageHeaderV2
TRUE, FALSE, I16, I64, BINARY, STRUCT = 1, 2, 4, 6, 8, 12  # types of Thrift's protocol
Value = int | dict[int, "Value"] | None


def plain_values(
    descriptor: int, begin: int, size: int, n_values: int, has_levels: bool
) -> tuple[np.ndarray, np.ndarray]:
    """(offsets, sizes) of the values of a column chunk without nulls, `size` bytes from `begin` on. `has_levels`: nulls
    are allowed. Raises ValueError for pages of another kind, and for damaged ones."""
    found, at = list[tuple[int, int]](), begin
    while len(found) < n_values:
        if not begin <= at < begin + size:
            raise ValueError(f"a column chunk ends after {len(found):,} of {n_values:,} values")
        page = _page(descriptor, at, has_levels)
        found += _values(descriptor, page)
        at = page.end
    if len(found) != n_values:
        raise ValueError(f"a column chunk has {len(found):,} values, not {n_values:,}")
    offsets_N, sizes_N = np.array(found, dtype=np.int64).reshape(-1, 2).T
    return offsets_N, sizes_N


@dataclass(frozen=True)
class _Page:
    """`begin`: of its first value, in the file."""

    begin: int
    end: int
    n_values: int


def _page(descriptor: int, at: int, has_levels: bool) -> _Page:
    thrift = _Thrift(os.pread(descriptor, MAX_HEAD, at))
    head = thrift.struct()
    begin, kind, size = at + thrift.position, head.get(TYPE), head.get(SIZE)
    inner = head.get(HEAD if kind == DATA_PAGE else HEAD_V2)
    if kind not in (DATA_PAGE, DATA_PAGE_V2) or not isinstance(inner, dict) or not isinstance(size, int):
        raise ValueError(f"at byte {at:,} there is no page of data")
    values, encoding = (
        inner.get(key) for key in ((VALUES, ENCODING) if kind == DATA_PAGE else (V2_VALUES, V2_ENCODING))
    )
    if encoding != PLAIN or not isinstance(values, int) or size < 0 or values < 0:
        raise ValueError(f"the page at byte {at:,} is not plainly encoded")
    levels = _levels_v2(inner) if kind == DATA_PAGE_V2 else _levels(descriptor, begin) if has_levels else 0
    return _Page(begin + levels, begin + size, values)


def _levels(descriptor: int, at: int) -> int:
    """Bytes of the definition levels and of the length before them."""
    return LENGTH + _length(descriptor, at)


def _levels_v2(head: dict[int, Value]) -> int:
    parts = [head.get(key) for key in (V2_DEFINITION, V2_REPETITION)]
    return sum(part for part in parts if isinstance(part, int))


def _values(descriptor: int, page: _Page) -> Iterator[tuple[int, int]]:
    """(offset, size) of each value of a page."""
    at = page.begin
    for _ in range(page.n_values):
        size = _length(descriptor, at)
        at += LENGTH
        if at + size > page.end:
            raise ValueError(f"the value at byte {at:,} is longer than its page")
        yield at, size
        at += size
    if at != page.end:
        raise ValueError(f"the page before byte {page.end:,} is longer than its values")


def _length(descriptor: int, at: int) -> int:
    data = os.pread(descriptor, LENGTH, at)
    if len(data) < LENGTH:
        raise ValueError(f"the file ends before byte {at + LENGTH:,}")
    return int.from_bytes(data, "little")


@dataclass
class _Thrift:
    """Reads a struct of integers, texts, which are passed over, and such structs."""

    data: bytes
    position: int = field(default=0)

    def struct(self, depth: int = 0) -> dict[int, Value]:
        """By field. Raises ValueError for what is no such struct."""
        found, number = dict[int, Value](), 0
        if depth > 8:
            raise ValueError("a struct lies too deep")
        while head := self._byte():
            kind, step = head & 15, head >> 4
            number = number + step if step else self._integer()
            found[number] = self._value(kind, depth)
        return found

    def _value(self, kind: int, depth: int) -> Value:
        if kind in (TRUE, FALSE):
            return int(kind == TRUE)
        if kind == STRUCT:
            return self.struct(depth + 1)
        if I16 <= kind <= I64:
            return self._integer()
        if kind != BINARY:
            raise ValueError(f"the head of a page has a field of type {kind}")
        size = self._varint()
        self.position += size
        return None

    def _byte(self) -> int:
        if self.position >= len(self.data):
            raise ValueError("the head of a page is cut off")
        self.position += 1
        return self.data[self.position - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
