"""Parquet files of small images, written by pyarrow with the options and the metadata of Hugging Face's `datasets`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from support.tar_images import jpeg

CLASSES = ("ant", "bee", "cat")
IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})
CLASS_LABEL = {"names": list(CLASSES), "_type": "ClassLabel"}
# Of `datasets` before version 4.6, and since: the images are stored as they are.
COMPRESSED: dict[str, Any] = {}
PLAIN: dict[str, Any] = {
    "compression": {"image": "none", "label": "snappy"},
    "use_dictionary": ["label"],
    "column_encoding": {"image": "PLAIN"},
    "use_content_defined_chunking": {"min_chunk_size": 1 << 10, "max_chunk_size": 1 << 12, "norm_level": 0},
    "write_page_index": True,
}


def table(count: int, first: int = 0, features: Mapping[str, Any] | None = None) -> pa.Table:
    """Images `first` and following, of the classes in turn."""
    images = [{"bytes": jpeg(first + k), "path": f"{first + k:04d}.jpg"} for k in range(count)]
    return labelled(images, [k % len(CLASSES) for k in range(count)], features)


def labelled(
    images: Sequence[Mapping[str, Any] | None], labels: Sequence[int | None], features: Mapping[str, Any] | None = None
) -> pa.Table:
    columns = {"image": pa.array(images, IMAGE), "label": pa.array(labels, pa.int64())}
    info = {"features": {"image": {"_type": "Image"}, "label": CLASS_LABEL} if features is None else features}
    return pa.table(columns).replace_schema_metadata({"huggingface": json.dumps({"info": info})})


def write(path: Path, rows: pa.Table, row_group: int = 5, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path, row_group_size=row_group, **options)
    return path


def write_hub(folder: Path, options: Mapping[str, Any] = COMPRESSED) -> Path:
    """As `hf download` leaves it: 36 images to train on in two files, 9 to evaluate on."""
    for shard in range(2):
        write(folder / f"data/train-{shard:05d}-of-00002.parquet", table(18, 18 * shard), **options)
    write(folder / "data/validation-00000-of-00001.parquet", table(9, 100), **options)
    (folder / "README.md").write_text("# A data set\n")
    (folder / ".cache/huggingface").mkdir(parents=True, exist_ok=True)
    return folder
