"""NPZ files of a run folder: the version of their layout is in `schema`, and nothing in them is unpickled."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

from inceptionctl.files import open_file
from inceptionctl.runs.io import RecordError, check_no_link, writing

MAX_BYTES = 256 << 20  # once unpacked, of a file that is not large itself
MAX_RATIO = 32  # unpacked to packed, of a larger one
MAX_ARRAYS = 64
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def write_arrays(path: Path, schema: int, arrays: Mapping[str, Any]) -> None:
    with writing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, schema=schema, **arrays)


def names_of_arrays(path: Path) -> list[str]:
    """Without reading them. Raises MissingFileError, and RecordError for a file that is damaged."""
    check_no_link(path)
    with open_file(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return [name.removesuffix(".npy") for name in archive.namelist()]
        except Exception as error:  # as below
            raise RecordError(f"{path} is damaged: {error or type(error).__name__}") from error


def read_arrays(
    path: Path, schema: int, limit: int | None = None, names: Collection[str] | None = None
) -> dict[str, np.ndarray]:
    """Those of `names`, or all, of a file of at most `limit` bytes of arrays. Raises MissingFileError, and RecordError
    for a file that is damaged, of another version or larger: sizes are checked before anything is unpacked."""
    check_no_link(path)
    with open_file(path) as file:
        try:
            _check_sizes(file, limit)
            with np.load(file, allow_pickle=False) as stored:
                chosen = [name for name in stored.files if names is None or name in (*names, "schema")]
                arrays = {name: _array(name, stored[name]) for name in chosen}
        except Exception as error:  # zipfile, zlib and numpy notice damage in a dozen ways
            raise RecordError(f"{path} is damaged: {error or type(error).__name__}") from error
    if (found := arrays.pop("schema", None)) != schema:
        raise RecordError(f"{path} is of another version: schema = {found}, not {schema}")
    return arrays


def _check_sizes(file: BinaryIO, limit: int | None) -> None:
    """Raises ValueError if the file is too large when it is unpacked, or an array says another size than its member
    has."""
    with zipfile.ZipFile(file) as archive:
        packed, members = file.seek(0, 2), archive.infolist()
        total, most = sum(member.file_size for member in members), limit or max(MAX_BYTES, MAX_RATIO * packed)
        if total > most or len(members) > MAX_ARRAYS:
            raise ValueError(f"it unpacks to {len(members):,} arrays of {total:,} bytes, more than {most:,}")
        for member in members:
            with archive.open(member) as stream:
                shape, _, dtype = HEADERS[npy.read_magic(stream)](stream)
                if dtype.hasobject:
                    raise ValueError("Object arrays cannot be loaded: they are pickles")
                if int(np.prod(shape, dtype=object)) * dtype.itemsize > member.file_size:
                    raise ValueError(f"{member.filename} says that it has more values than are there")
    file.seek(0)


def _array(name: str, value: object) -> np.ndarray:
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} is no array")
    return value
