"""Reads a folder of packed images as lists of files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from inceptionctl.data.byte_ranges import ByteRanges
from inceptionctl.data.index import FileList
from inceptionctl.data.packed.records import ShardFiles, Summary
from inceptionctl.data.packed.shard import Shard, read_shard
from inceptionctl.files import FileError


def read_split(folder: Path, split: str, summary: Summary) -> FileList:
    """The images of "train" or "eval". Raises FileError for shards that are missing, damaged, cut short or packed by
    another plan than that of `summary`."""
    names, shards = list[str](), list[Shard]()
    for number in summary.plan.shards(split):
        files = ShardFiles(split, number)
        shards.append(read_shard(folder, files, summary.plan))
        names.append(files.images)
    if not shards or sum(len(shard.names_N) for shard in shards) != getattr(summary.images, split):
        raise FileError(f"{folder} is damaged: its shards do not hold the {split} images that packed.json says")
    raw = summary.plan.packing.kind == "raw"
    ranges = ByteRanges(
        tuple(names),
        np.repeat(np.arange(len(shards)), [len(shard.names_N) for shard in shards]),
        np.concatenate([shard.offsets_N for shard in shards]),
        crc32_N=np.concatenate([shard.crc32_N for shard in shards]),
        sides_N2=np.concatenate([shard.sides_N2 for shard in shards]) if raw else None,
    )
    paths_N, labels_N, sizes_N = (
        np.concatenate([getattr(shard, name) for shard in shards]) for name in ("names_N", "labels_N", "sizes_N")
    )
    try:
        ranges.check(sizes_N)
    except ValueError as error:
        raise FileError(f"{folder} is damaged: {error}") from error
    return FileList(str(folder), paths_N, labels_N, sizes_N, ranges=ranges)
