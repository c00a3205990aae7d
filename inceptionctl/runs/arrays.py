"""NPZ files of a run folder: the version of their layout is in `schema`, and nothing in them is unpickled."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from inceptionctl.files import open_file, writing
from inceptionctl.npz import map_npz, read_npz, save_npz
from inceptionctl.runs.io import RecordError, check_no_link


def write_arrays(path: Path, schema: int, arrays: Mapping[str, Any]) -> None:
    with writing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, schema=schema, **arrays)


def write_to_map(path: Path, schema: int, arrays: Mapping[str, Any]) -> None:
    """The same for `map_arrays`, not compressed."""
    with writing(path) as temporary, temporary.open("wb") as file:
        save_npz(file, {"schema": np.array(schema), **arrays})


def names_of_arrays(path: Path) -> list[str]:
    """Without reading them. Raises MissingFileError, and RecordError for a file that is damaged."""
    check_no_link(path)
    with open_file(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return [name.removesuffix(".npy") for name in archive.namelist()]
        except Exception as error:  # zipfile notices damage in several ways
            raise RecordError(f"{path} is damaged: {error or type(error).__name__}") from error


def read_arrays(
    path: Path, schema: int, limit: int | None = None, names: Collection[str] | None = None
) -> dict[str, np.ndarray]:
    """Those of `names`, or all, of a file of at most `limit` bytes of arrays. Raises MissingFileError, and RecordError
    for a file that is damaged, of another version or larger: sizes are checked before anything is unpacked."""
    return _read(path, schema, lambda file: read_npz(file, limit, None if names is None else (*names, "schema")))


def map_arrays(path: Path, schema: int) -> dict[str, np.ndarray]:
    """All arrays, read-only, in pages that the processes of a machine share; those of a compressed file are read.
    Raises as `read_arrays`."""
    return _read(path, schema, map_npz)


def _read(path: Path, schema: int, read: Callable[[BinaryIO], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    check_no_link(path)
    with open_file(path) as file:
        try:
            arrays = read(file)
        except ValueError as error:
            raise RecordError(f"{path} is damaged: {error}") from error
    if (found := arrays.pop("schema", None)) != schema:
        raise RecordError(f"{path} is of another version: schema = {found}, not {schema}")
    return arrays
