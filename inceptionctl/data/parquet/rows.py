"""Lists the rows of Parquet files: the name and the label of each image, and where it lies. No torch.

Images of a column that is stored plainly, as `datasets` writes them since version 4.6, have a place in the file, as in
a tar. Others are compressed or encoded together with their neighbours in a row group.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from inceptionctl.data.byte_ranges import AT_OFFSET
from inceptionctl.data.listing import as_text
from inceptionctl.data.parquet.columns import Columns, find_columns
from inceptionctl.data.parquet.pages import plain_values
from inceptionctl.errors import RequestError
from inceptionctl.files import FileError, open_file

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

LFS_POINTER = b"version https://git-lfs"
NO_LABEL = -1  # what `datasets` writes for images without a label
MISSING = "data=parquet needs pyarrow, which is not installed: pip install 'inceptionctl[parquet]'"


@dataclass(frozen=True, eq=False)
class Places:
    """Where images lie in a file: `offsets_N` and `groups_N` as in `ByteRanges`; `sizes_N`: in bytes, of images in row
    groups the mean, and 0 for a row without an image."""

    offsets_N: np.ndarray
    sizes_N: np.ndarray
    groups_N: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Places]) -> Places:
        names = [field.name for field in fields(cls)]
        return cls(
            *(np.concatenate([np.empty(0, np.int64), *(getattr(part, name) for part in parts)]) for name in names)
        )

    def subset(self, chosen: Sequence[int]) -> Places:
        rows_N = np.array(chosen, dtype=np.int64)
        return Places(self.offsets_N[rows_N], self.sizes_N[rows_N], self.groups_N[rows_N])


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a file that have an image. `labels`: a number or a name each, None for a row without one;
    `without_image`: how many other rows there are."""

    names: list[bytes]
    labels: list[int | str | None]
    places: Places
    without_image: int


def require_pyarrow() -> None:
    """Raises RequestError where it is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise RequestError(MISSING) from error


def read_columns(path: Path, image: str | None, label: str | None) -> Columns:
    """Raises RequestError as `find_columns`, and for what is no Parquet file."""
    with _open(path) as file:
        return find_columns(_parquet(path, file).schema_arrow, image, label, str(path))


def read_rows(path: Path, columns: Columns) -> Rows:
    """Raises RequestError for a file that is damaged or has not these columns and classes."""
    with _open(path) as file:
        found = _parquet(path, file)
        if find_columns(found.schema_arrow, columns.image, columns.label, str(path)) != columns:
            raise RequestError(f"{path} has images or labels of another kind than the first file of its split")
        try:
            return _rows(file, found, columns)
        except Exception as error:  # as in row_group.py
            raise RequestError(f"{path} is damaged: {as_text(str(error))}") from error


def _open(path: Path) -> BinaryIO:
    try:
        return open_file(path)
    except FileError as error:
        raise RequestError(str(error)) from error


def _parquet(path: Path, file: BinaryIO) -> pq.ParquetFile:
    import pyarrow.parquet as pq

    if os.pread(file.fileno(), len(LFS_POINTER), 0) == LFS_POINTER:
        raise RequestError(
            f"{path} is a pointer of Git LFS, and not the data\n  git lfs pull fetches it, or hf download the data set"
        )
    try:
        return pq.ParquetFile(file)
    except Exception as error:  # as in row_group.py
        raise RequestError(f"{path} is no Parquet file, or a damaged one: {as_text(str(error))}") from error


def _rows(file: BinaryIO, found: pq.ParquetFile, columns: Columns) -> Rows:
    table = found.read(
        columns=[columns.label, *([f"{columns.image}.path"] if columns.named else [])], use_threads=False
    )
    places = Places.joined([_places(file, found, columns, group) for group in range(found.num_row_groups)])
    labels = table.column(columns.label).to_pylist()
    images = table.column(columns.image).to_pylist() if columns.named else [None] * len(labels)
    rows = np.flatnonzero(places.sizes_N).tolist()
    return Rows(
        names=[_name(row, images[row]) for row in rows],
        labels=[None if labels[row] == NO_LABEL else labels[row] for row in rows],
        places=places.subset(rows),
        without_image=len(labels) - len(rows),
    )


def _name(row: int, image: dict[str, Any] | None) -> bytes:
    """The row in its file, from 0 on, and the name that the image's own file had."""
    own = as_text(os.path.basename((image and image["path"]) or ""))
    return f"row {row}/{own}".rstrip("/").encode()


def _places(file: BinaryIO, found: pq.ParquetFile, columns: Columns, group: int) -> Places:
    leaf = next(k for k in range(len(found.schema)) if found.schema.column(k).path == columns.leaf)
    rows, chunk = found.metadata.row_group(group).num_rows, found.metadata.row_group(group).column(leaf)
    has_no_nulls = chunk.is_stats_set and chunk.statistics.has_null_count and not chunk.statistics.null_count
    if has_no_nulls and chunk.compression == "UNCOMPRESSED" and not chunk.has_dictionary_page:
        with suppress(ValueError):  # pages of another kind, or damaged: pyarrow reads what can be read
            is_optional = found.schema.column(leaf).max_definition_level > 0
            place = chunk.data_page_offset, chunk.total_compressed_size
            offsets_N, sizes_N = plain_values(file.fileno(), *place, rows, is_optional)
            return Places(offsets_N, sizes_N, np.full(rows, AT_OFFSET))
    sizes_N = np.full(rows, max(1, chunk.total_uncompressed_size // max(1, rows)))
    if not has_no_nulls:
        column = found.read_row_group(group, columns=[columns.leaf], use_threads=False).column(0)
        sizes_N[_nulls(column)] = 0
    return Places(np.arange(rows), sizes_N, np.full(rows, group))


def _nulls(column: pa.ChunkedArray) -> np.ndarray:
    """A mask of the rows without an image."""
    import pyarrow as pa

    if pa.types.is_struct(column.type):
        import pyarrow.compute as pc

        column = pc.struct_field(column, "bytes")
    return np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=bool)
