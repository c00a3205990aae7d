"""Reads an image that lies in a row group of a Parquet file with others: the whole group, of which the last is kept."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from inceptionctl.files import FileError, open_file

if TYPE_CHECKING:
    import pyarrow as pa


def read_value(path: Path, column: str, group: int, row: int) -> bytes:
    """The bytes of an image: `row` counts in the row group. Raises FileError for a file that is missing or damaged, and
    for a row without an image."""
    with open_file(path) as file:
        found = os.fstat(file.fileno())
    try:
        value = _row_group(path, (found.st_ino, found.st_mtime_ns), column, group)[row].as_py()
    except Exception as error:  # damaged files make pyarrow raise subclasses of many built-in errors
        raise FileError(f"{path} cannot be read: {error}") from error
    data = value["bytes"] if isinstance(value, dict) else value
    if not isinstance(data, bytes):
        raise FileError(f"{path} cannot be read: row {row} of row group {group} has no image")
    return data


@lru_cache(maxsize=1)  # of each process: in evaluation and packing, images follow each other
def _row_group(path: Path, state: tuple[int, int], column: str, group: int) -> pa.ChunkedArray:
    """`state`: of the file, so that one that has changed is read again."""
    import pyarrow.parquet as pq

    with open_file(path) as file, pq.ParquetFile(file) as found:
        # Data workers are many already.
        return found.read_row_group(group, columns=[column], use_threads=False).column(0)
