"""Image sets: which of the images are evaluated, by a list of those to keep or to leave out.

A line of a list is a file name, a path below the folder of the images, or the number of an ImageNet validation image.
The blacklist of the ILSVRC devkits is such a list of numbers: papers evaluate on the 48,238 images that are not on it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inceptionctl.data.devkit import find_blacklist
from inceptionctl.data.index import FileList, Index
from inceptionctl.data.label_list import BLANK
from inceptionctl.data.listing import as_text, some
from inceptionctl.data.mismatch import NUMBER
from inceptionctl.data.real_labels import N_VALIDATION, image_numbers
from inceptionctl.errors import RequestError, count, shortened
from inceptionctl.files import FileError, read_text

BLACKLIST = "blacklist"  # the value of images.leave_out that stands for the devkit's list
FORM = "a line is a file name, a path below the folder of the images, or the number of an ImageNet validation image"


@dataclass(frozen=True, eq=False)
class Listed:
    """`mask_N`: which images a list names; `num_lines`: its names and numbers, each once; `num_absent`: numbers of
    images that are not here."""

    path: Path
    mask_N: np.ndarray
    num_lines: int
    num_absent: int

    def __str__(self) -> str:
        """Such as "the 10 of 1,762 images of FILE that are here"."""
        images = f"{count(self.num_lines, 'image')} of {self.path}"
        return f"the {int(self.mask_N.sum()):,} of {images} that are here" if self.num_absent else f"the {images}"


def select(
    index: Index, keep: Path | None, leave_out: Path | str | None, where: str, devkit: Path | None = None
) -> tuple[Index, list[str]]:
    """(the index of the images that are left, what to say of them). `leave_out`: a list, or "blacklist", which is
    looked for beside the images of `where` ("data=imagenet_val"), or in `devkit`.

    Raises RequestError for a list that is missing or damaged, names images that are not there, or leaves none.
    """
    if keep is None and leave_out is None:
        return index, []
    files = _files(index, where)
    mask_N, notes = np.ones(len(files), dtype=bool), list[str]()
    if keep is not None:
        listed = read_list(keep, files, "images.keep")
        mask_N &= listed.mask_N
        notes.append(f"kept: {listed}")
    if leave_out is not None:
        path = find_blacklist(Path(files.root), devkit) if leave_out == BLACKLIST else Path(leave_out)
        listed = read_list(path, files, "images.leave_out")
        notes.append(f"left out: {_removed(listed, mask_N)}")
        mask_N &= ~listed.mask_N
    if not mask_N.any():
        raise RequestError(f"no image is left of the {len(files):,} of {where}: {'; '.join(notes)}")
    chosen = files.subset(mask_N)
    notes.append(f"{len(chosen):,} of {len(files):,} images remain")
    return index.evaluated_on(chosen, *notes), notes


def read_list(path: Path, files: FileList, setting: str) -> Listed:
    """Which of `files` the list names. Raises RequestError for a name that is not among them."""
    lines = list(dict.fromkeys(read_lines(path, setting)))
    numbers = [int(line) for line in lines if NUMBER.fullmatch(line)]
    names = [line for line in lines if not NUMBER.fullmatch(line)]
    mask_N = _named(names, path, files, setting)
    absent = 0
    if numbers:
        numbered_N = _numbered(numbers, path, files, setting)
        absent = len(numbers) - int(numbered_N.sum())
        mask_N |= numbered_N
    return Listed(path, mask_N, len(lines), absent)


def _files(index: Index, where: str) -> FileList:
    if "eval" not in index.files:
        raise RequestError(f"images.keep and images.leave_out choose among image files, and {where} has none")
    return index.files["eval"]


def _removed(listed: Listed, mask_N: np.ndarray) -> str:
    """What is said of a list of images to leave out, where `mask_N` is kept so far."""
    if not (listed.mask_N & mask_N).any():
        return f"nothing, since none of the {count(listed.num_lines, 'image')} of {listed.path} is among them"
    return str(listed)


def read_lines(path: Path, setting: str) -> list[str]:
    """The names of a list, without the blanks around them. Raises RequestError for one that is missing or has none."""
    try:
        text = read_text(path)
    except FileError as error:
        raise RequestError(f"{setting}: {error}") from error
    if lines := [name for line in text.split("\n") if (name := line.strip(BLANK))]:
        return lines
    raise RequestError(f"{setting} = {path} names no images\n  {FORM}")


def _numbered(numbers: list[int], path: Path, files: FileList, setting: str) -> np.ndarray:
    """A mask of the images with these numbers."""
    if wrong := [n for n in numbers if not 1 <= n <= N_VALIDATION]:
        raise RequestError(f"{setting} = {path}: {wrong[0]} is no number of a validation image, 1 to {N_VALIDATION:,}")
    numbers_N = image_numbers(files)
    if not numbers_N.any():
        raise RequestError(
            f"{setting} = {path} lists numbers of ImageNet's validation images, and no image below {files.root} has "
            "the name of one, ILSVRC2012_val_00000001.JPEG"
        )
    mask_N: np.ndarray = np.isin(numbers_N, numbers)
    return mask_N


def _named(names: list[str], path: Path, files: FileList, setting: str) -> np.ndarray:
    """A mask of the images with these paths or, where no two have it, with this file name."""
    places, by_path = defaultdict[bytes, list[int]](list), dict[bytes, int]()
    for i, stored in enumerate(files.paths_N.tolist()):
        by_path[stored] = i
        places[stored.rpartition(b"/")[2]].append(i)
    mask_N, missing = np.zeros(len(files), dtype=bool), list[str]()
    for name in names:
        typed = os.fsencode(os.path.normpath(name))
        found = [by_path[typed]] if typed in by_path else places.get(typed, [])
        if len(found) > 1:
            both = " and ".join(as_text(os.fsdecode(files.paths_N[i])) for i in found[:2])
            raise RequestError(
                f"{setting} = {path}: {count(len(found), 'image')} are called {as_text(name)}, {both}: list the paths"
            )
        if not found:
            missing.append(repr(shortened(name)))
        mask_N[found] = True
    if missing:
        raise RequestError(
            f"{setting} = {path}: {len(missing):,} of its {count(len(names), 'name')} are not among the {len(files):,} "
            f"images below {files.root}: {some(missing)}\n  {FORM}"
        )
    return mask_N
