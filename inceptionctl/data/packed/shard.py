"""A shard of packed images: the arrays beside it, checked before anything is read by them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inceptionctl.data.index import MAX_IMAGE_BYTES
from inceptionctl.data.packed.records import SCHEMA, Plan, ShardFiles
from inceptionctl.data.tar_images import CONTROL
from inceptionctl.files import FileError, open_file
from inceptionctl.npz import read_npz

# Of the values of each array, as numpy calls them.
KINDS = {"names": "S", "labels": "i", "offsets": "i", "sizes": "i", "crc32": "u", "unreadable": "S", "reasons": "U"}


@dataclass(frozen=True, eq=False)
class Shard:
    """Images one after the other, in the order of the source. `names_N`: bytes, as in the source; `sizes_N`: in bytes;
    `sides_N2`: height and width, of raw pixels alone. `unreadable_U`: names of the images of the source that are left
    out, with `reasons_U`."""

    names_N: np.ndarray
    labels_N: np.ndarray
    sizes_N: np.ndarray
    crc32_N: np.ndarray
    sides_N2: np.ndarray | None
    unreadable_U: np.ndarray
    reasons_U: np.ndarray

    @property
    def size(self) -> int:
        """Bytes of all images."""
        return int(self.sizes_N.sum())

    @property
    def offsets_N(self) -> np.ndarray:
        offsets_N: np.ndarray = np.cumsum(self.sizes_N) - self.sizes_N
        return offsets_N

    def to_arrays(self, plan: Plan) -> dict[str, Any]:
        found: dict[str, Any] = {
            "plan": np.array(plan.digest),
            "names": self.names_N,
            "labels": self.labels_N,
            "offsets": self.offsets_N,
            "sizes": self.sizes_N,
            "crc32": self.crc32_N,
            "unreadable": self.unreadable_U,
            "reasons": self.reasons_U,
        }
        return found if self.sides_N2 is None else found | {"sides": self.sides_N2}


def read_shard(folder: Path, files: ShardFiles, plan: Plan) -> Shard:
    """Raises FileError for a shard that is missing, damaged, cut short or packed by another plan."""
    path = folder / files.arrays
    with open_file(path) as file:
        try:
            shard = _checked(read_npz(file), plan)
        except (KeyError, ValueError) as error:
            raise FileError(f"{path} is damaged: {error}") from error
    _check_length(folder / files.images, shard.size)
    return shard


def _checked(arrays: Mapping[str, np.ndarray], plan: Plan) -> Shard:
    """Raises ValueError for arrays that do not belong together, KeyError for one that is missing."""
    if arrays["schema"].shape or arrays["schema"] != SCHEMA:
        raise ValueError(f"it is of another version than {SCHEMA}")
    if str(arrays["plan"]) != plan.digest:
        raise ValueError("it was packed by another plan")
    for name, kind in KINDS.items():
        if arrays[name].dtype.kind != kind or arrays[name].ndim != 1:
            raise ValueError(f"{name!r} is no list of its kind")
    raw = plan.packing.kind == "raw"
    if raw and (arrays["sides"].dtype.kind != "i" or arrays["sides"].shape != (len(arrays["names"]), 2)):
        raise ValueError("'sides' is no list of two numbers for each image")
    shard = Shard(
        names_N=arrays["names"],
        labels_N=arrays["labels"].astype(np.int64),
        sizes_N=arrays["sizes"].astype(np.int64),
        crc32_N=arrays["crc32"].astype(np.uint32),
        sides_N2=arrays["sides"].astype(np.int64) if raw else None,
        unreadable_U=arrays["unreadable"],
        reasons_U=arrays["reasons"],
    )
    _check_lists(shard, len(plan.source.classes), plan.packing.shard_images)
    if not np.array_equal(arrays["offsets"], shard.offsets_N):
        raise ValueError("its images do not lie one after the other")
    return shard


def _check_lists(shard: Shard, n_classes: int, most_images: int) -> None:
    by_image = (shard.names_N, shard.labels_N, shard.sizes_N, shard.crc32_N)
    if len({len(array) for array in by_image}) != 1 or len(shard.unreadable_U) != len(shard.reasons_U):
        raise ValueError("its lists differ in length")
    if len(shard.names_N) + len(shard.unreadable_U) > most_images:
        raise ValueError(f"it has more than {most_images:,} images")
    if not (shard.labels_N.min(initial=0) >= 0 and shard.labels_N.max(initial=0) < n_classes):
        raise ValueError(f"a label is none of the {n_classes:,} classes")
    if not (shard.sizes_N.min(initial=1) > 0 and shard.sizes_N.max(initial=1) <= MAX_IMAGE_BYTES):
        raise ValueError(f"an image has no bytes, or more than {MAX_IMAGE_BYTES:,}")
    if any(CONTROL.search(name) for name in (*shard.names_N.tolist(), *shard.unreadable_U.tolist())):
        raise ValueError("a name has control characters")


def _check_length(path: Path, size: int) -> None:
    with open_file(path) as file:
        found = os.fstat(file.fileno()).st_size
    if found < size:
        raise FileError(f"{path} is cut short: it has {found:,} of {size:,} bytes")
    if found > size:
        raise FileError(f"{path} is damaged: it has {found:,} bytes, and its images have {size:,}")
