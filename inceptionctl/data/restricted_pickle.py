"""Reads pickles of Python 2 that hold plain values and numpy arrays, and calls nothing that a pickle names."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

from inceptionctl.errors import RequestError, shortened


class PickledArray:
    """An array as its pickle describes it; numpy itself is not called. `type_code`: such as b"u1"."""

    shape: tuple[int, ...] = ()
    type_code: bytes = b""
    fortran_order: bool = False
    data: bytes = b""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self.shape, dtype, self.fortran_order, self.data = state
        self.type_code = dtype.code


class _Dtype:
    def __init__(self, code: bytes, *flags: int) -> None:
        self.code = code

    def __setstate__(self, state: object) -> None:
        """The byte order and the fields: an array of bytes has neither."""


def _reconstruct(*arguments: object) -> PickledArray:
    return PickledArray()


# What Python 2 wrote for an array of numpy 1, each with what is called in its place.
ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): PickledArray,
    ("numpy", "dtype"): _Dtype,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  as in pickle
        if (module, name) in ALLOWED:
            return ALLOWED[module, name]
        raise pickle.UnpicklingError(f"it names {shortened(repr(f'{module}.{name}'))}, which is not loaded from data")


def read_pickle(data: bytes, path: Path) -> dict[bytes, Any]:
    """The dictionary that `data`, the content of `path`, holds; texts are bytes.

    Raises RequestError for anything else, for a pickle that is cut short, and for one that names any other function or
    class than numpy's arrays: the message says which, and nothing of it has been called.
    """
    try:
        found = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except Exception as error:  # what is no pickle can raise nearly anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RequestError(f"{path} cannot be read: {reason}") from error
    if not isinstance(found, dict):
        raise RequestError(f"{path} cannot be read: it holds no dictionary but {type(found).__name__}")
    return found


def offset_of(array: PickledArray, data: bytes) -> int:
    """Where the bytes of `array` begin in `data`, the pickle that it comes from: behind their length, in 4 bytes, and
    followed without a gap. Raises ValueError for an array that is not stored as it is."""
    length, head = len(array.data).to_bytes(4, "little"), array.data[:64]
    at = data.find(length + head)
    while at >= 0:
        begin = at + len(length)
        if memoryview(data)[begin : begin + len(array.data)] == array.data:
            return begin
        at = data.find(length + head, at + 1)
    raise ValueError("its array is not stored byte by byte")
