"""The header of a safetensors file: names, types, shapes and places of its tensors. No torch, no safetensors.

https://huggingface.co/docs/safetensors: eight bytes with the length of a JSON object, the object, then the tensors.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from inceptionctl.files import FileError
from inceptionctl.models.weights.contents import ForeignFile, Storage, Stored, contiguous, itemsize

MAX_HEADER = 25 << 20  # a hundred thousand tensors; the library's own limit is 100 MB
PREFIX = 8
TYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "BOOL": "bool",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu", "C64": "complex64",
}  # fmt: skip


def is_safetensors(head: bytes) -> bool:
    """Whether a file that begins with these bytes is one."""
    return head[PREFIX : PREFIX + 1] == b"{" and 2 <= int.from_bytes(head[:PREFIX], "little") < 1 << 40


def read_header(path: Path) -> dict[str, Stored]:
    """The tensors of a file by name. Raises ForeignFile for one that is damaged or cut short."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(PREFIX), "little")
        if length > MAX_HEADER:
            raise _damaged(path, f"its header would have {length:,} bytes")
        text = file.read(length)
    if len(text) < length:
        raise _cut_short(path, size, "more")
    start = PREFIX + length
    tensors = {name: _stored(path, start, name, entry) for name, entry in _entries(path, text).items()}
    end = max((tensor.storage.start + tensor.storage.size for tensor in tensors.values() if tensor.storage), default=0)
    if size < end:
        raise _cut_short(path, size, f"{end:,}")
    return tensors


def _entries(path: Path, text: bytes) -> dict[str, Any]:
    """Of the header's JSON, without what it says for people."""
    try:
        entries = json.loads(text.decode(), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"its header is not the JSON of one ({' '.join(str(error).split())})") from error
    if not isinstance(entries, dict):
        raise _damaged(path, "its header is not a JSON object")
    entries.pop("__metadata__", None)
    return entries


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)} stands twice")
    return found


def _stored(path: Path, start: int, name: str, entry: Any) -> Stored:  # noqa: ANN401  whatever JSON holds
    entry = entry if isinstance(entry, dict) else {}
    kind, shape, place = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(kind, str) or not _counts(shape) or not _counts(place) or len(place) != 2:
        raise _damaged(path, f"its header does not say the type, shape and place of {name}")
    dtype = TYPES.get(kind, kind)
    size, stated = itemsize(dtype), place[1] - place[0]
    if stated < 0 or (size and stated != size * math.prod(shape)):
        raise _damaged(path, f"{name} has {stated:,} bytes, which is not the size of {kind} {shape}")
    return Stored(dtype, tuple(shape), Storage(path, start + place[0], stated), 0, contiguous(tuple(shape)))


def _counts(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 1 << 60 for n in value) and len(value) < 32


def _cut_short(path: Path, size: int, needed: str) -> FileError:
    return ForeignFile(
        f"{path} is cut short: it has {size:,} bytes, and its header promises {needed}\n  download or copy it again"
    )


def _damaged(path: Path, why: str) -> FileError:
    return ForeignFile(f"{path} is a damaged safetensors file: {why}\n  download or copy it again")
