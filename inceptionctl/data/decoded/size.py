"""How many bytes the decoded images of a list need, without decoding them."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from inceptionctl.data.index import FileList
from inceptionctl.data.survey.inspect import measure

SAMPLE = 256  # images whose heads are read


def raw_bytes(files: FileList) -> int | None:
    """Exactly, of raw pixels; None for encoded images."""
    if files.ranges and files.ranges.sides_N2 is not None:
        return int(files.sizes_N.sum())
    if files.ranges and files.ranges.shape:
        return len(files) * 3 * math.prod(files.ranges.shape[-2:])
    return None


def least_bytes(files: FileList) -> int:
    """What decoded images need at least: in practice not less than encoded ones."""
    found = raw_bytes(files)
    return int(files.sizes_N.sum()) if found is None else found


@lru_cache(maxsize=16)
def estimated_bytes(files: FileList) -> int:
    """From the heads of SAMPLE images at equal distances, the same for the same list; exact for no more images than
    these, and for raw pixels."""
    if (found := raw_bytes(files)) is not None or not len(files):
        return found or 0
    chosen_S = np.unique(np.linspace(0, len(files) - 1, min(len(files), SAMPLE)).round().astype(np.int64))
    heads = [measure(files, index) for index in chosen_S.tolist()]
    return round(sum(3 * head.width * head.height for head in heads) * len(files) / len(heads))
