"""Tells the images of an index from another tree in the same place, before anything is read from it."""

from __future__ import annotations

import os

import numpy as np

from inceptionctl.data.byte_ranges import size_differs
from inceptionctl.data.index import FileList
from inceptionctl.errors import RequestError

LOOKED_AT = 16  # images of a split, evenly spaced
MOST_DIFFERENT = 0.75  # of them: a few that are missing or changed are met when they are read, as `on_corrupt` says
ENOUGH = 4  # images that differ: fewer say nothing of the rest, of an evaluation of one image for one


def check_same_tree(files: FileList) -> None:
    """Raises RequestError for a root that is no folder, and where most images are missing or of other sizes than when
    they were listed."""
    if not os.path.isdir(files.root):
        raise RequestError(f"the images of this run were in {files.root}, which is not a folder any more")
    chosen = np.linspace(0, len(files) - 1, min(LOOKED_AT, len(files))).astype(int).tolist()
    differences = [found for index in chosen if (found := _difference(files, index))]
    if len(differences) >= ENOUGH and len(differences) > MOST_DIFFERENT * len(chosen):
        raise RequestError(
            f"{files.root} does not hold the images that this run was planned with: {differences[0]}; "
            f"so {len(differences)} of {len(chosen)} that were looked at\n"
            "  put them back, or start a run on the present ones (inceptionctl data index lists them)"
        )


def _difference(files: FileList, index: int) -> str:
    """What is wrong with the file of an image; "" if nothing is."""
    name, size = files.name(index), int(files.sizes_N[index])
    try:
        found = os.stat(files.path(index)).st_size
    except OSError as error:
        return f"{name}: {error.strerror}"
    if files.ranges:
        end = int(files.ranges.offset_N[index]) + size
        differs = files.ranges.differs(index, found) or (found < end and f"it ends before byte {end:,}")
        return f"{name}: {differs}" if differs else ""
    return "" if found == size else f"{name}: {size_differs(found, size)}"
