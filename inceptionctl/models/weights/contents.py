"""What a file of weights holds: tensors by their names, not read yet. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from inceptionctl.files import FileError

Shape = tuple[int, ...]
LEVELS = 4  # of mappings in each other, down to which state dicts are looked for
MAX_VALUES = 200_000

# The types that weights may have, by torch's names, as they are stored. bfloat16 is the upper half of a float32.
FLOATS = {"float16": "<f2", "bfloat16": "<u2", "float32": "<f4", "float64": "<f8"}
INTEGERS = {
    "uint8": "<u1", "int8": "<i1", "int16": "<i2", "int32": "<i4", "int64": "<i8",
    "uint16": "<u2", "uint32": "<u4", "uint64": "<u8",
}  # fmt: skip
# The other types of torch and the bytes of an element, so that files which have them are still found whole.
OTHERS = {
    "bool": 1, "complex32": 4, "complex64": 8, "complex128": 16, "float8_e4m3fn": 1, "float8_e5m2": 1,
    "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1, "float8_e8m0fnu": 1, "quint8": 1, "qint8": 1, "qint32": 4,
}  # fmt: skip


class ForeignFile(FileError):
    """A file that holds no weights that can be read. The message says what it is and what to do (exit code 2)."""

    exit_code = 2


@dataclass(frozen=True)
class Storage:
    """`size` bytes of a file from `start`."""

    path: Path
    start: int
    size: int


@dataclass(frozen=True)
class Stored:
    """A tensor of a file. `offset` and `stride` in elements of its storage; None: it has no bytes. `problem`: why it
    cannot be read ("is sparse")."""

    dtype: str
    shape: Shape
    storage: Storage | None = None
    offset: int = 0
    stride: Shape = ()
    problem: str = ""

    def __setstate__(self, _: object) -> None:
        raise TypeError("a pickle may not change a tensor that it has built")

    def values(self) -> np.ndarray:
        """Its values: float32 for every floating-point type, integers as they are."""
        kind = FLOATS.get(self.dtype) or INTEGERS[self.dtype]
        assert self.storage, "a tensor without a problem has bytes"
        if 0 in self.shape:
            return np.empty(self.shape, np.float32 if self.dtype in FLOATS else kind)
        size = np.dtype(kind).itemsize
        flat = _read(self.storage.path, kind, extent(self.shape, self.stride), self.storage.start + self.offset * size)
        stored = as_strided(flat, self.shape, [n * size for n in self.stride])
        if self.dtype == "bfloat16":
            return (stored.astype(np.uint32) << 16).view(np.float32)
        with np.errstate(over="ignore"):  # a float64 may exceed float32; `check_finite` finds the infinity
            return stored.astype(np.float32) if self.dtype in FLOATS else stored.copy()


@dataclass(frozen=True)
class StateDict:
    """Tensors by their names as one part of a file has them. `key`: where in the file, such as "state_dict"; "" for
    the file itself. `others`: the names of what is not a tensor; `unnamed`: keys of tensors that are not text."""

    key: str
    tensors: Mapping[str, Stored]
    others: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()


def itemsize(dtype: str) -> int | None:
    """Bytes of an element; None for an unknown type."""
    kind = FLOATS.get(dtype) or INTEGERS.get(dtype)
    return np.dtype(kind).itemsize if kind else OTHERS.get(dtype)


def extent(shape: Shape, stride: Shape) -> int:
    """The number of elements of a storage that a tensor reaches over."""
    return 0 if 0 in shape else 1 + sum((n - 1) * step for n, step in zip(shape, stride, strict=True))


def contiguous(shape: Shape) -> Shape:
    """The stride of a tensor without gaps."""
    stride, step = list[int](), 1
    for n in reversed(shape):
        stride.append(step)
        step *= max(n, 1)
    return tuple(reversed(stride))


def parts_of(tree: Any) -> list[StateDict]:  # noqa: ANN401  whatever a file holds
    """Every mapping of names to tensors in `tree`, outermost first. Only so many values are looked at: a few bytes of a
    pickle can stand for billions."""
    return list(_parts(tree, "", LEVELS, iter(range(MAX_VALUES))))


def _parts(tree: Any, key: str, levels: int, budget: Iterator[int]) -> Iterator[StateDict]:  # noqa: ANN401
    if not isinstance(tree, Mapping) or not levels:
        return
    tensors = {name: value for name, value in tree.items() if isinstance(value, Stored)}
    unnamed = tuple(repr(name) for name in tensors if not isinstance(name, str))
    named = {name: value for name, value in tensors.items() if isinstance(name, str)}
    if tensors:
        yield StateDict(key, named, tuple(str(name) for name in tree if name not in tensors), unnamed)
    for (name, value), _ in zip(tree.items(), budget, strict=False):
        yield from _parts(value, f"{key}.{name}" if key else str(name), levels - 1, budget)


def _read(path: Path, kind: str, count: int, start: int) -> np.ndarray:
    """`count` numbers from the byte `start`. Raises ForeignFile if the file has become shorter."""
    try:
        found = np.fromfile(path, kind, count, offset=start)
    except (OSError, MemoryError) as error:
        raise ForeignFile(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(found) < count:
        raise ForeignFile(f"{path} cannot be read: it has changed, or is cut short")
    return found
