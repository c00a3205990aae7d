"""ImageNet's validation images as they come, under their own names: in one folder, or in the tar of ILSVRC-2012."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np

from inceptionctl.data.index import FileList
from inceptionctl.data.listing import as_text, describe, read_images, some
from inceptionctl.data.real_labels import N_VALIDATION, image_numbers
from inceptionctl.data.tar_files import open_tar
from inceptionctl.data.tar_images import TarImages, base_name, kind_of
from inceptionctl.errors import RequestError

NAMES = f"ILSVRC2012_val_00000001.JPEG to ILSVRC2012_val_{N_VALIDATION:08d}.JPEG"


def read_flat_folder(root: Path) -> tuple[FileList, list[str]]:
    """(the validation images without labels, what is left out); there may be none."""
    found, left_out = read_images(root)
    names_N = np.array([os.fsencode(entry.name) for entry in found], dtype=bytes)
    sizes_N = np.array([entry.stat().st_size for entry in found], dtype=np.int64)
    return _numbered(FileList(str(root), names_N, np.zeros(len(found), dtype=np.int64), sizes_N), left_out)


def read_flat_tar(path: Path) -> tuple[FileList, list[str]]:
    """The same of a tar. Raises RequestError for one that is damaged."""
    images, left_out = TarImages(path.parent, (path.name,)), Counter[str]()
    with open_tar(path) as tar:
        for member in tar.members(left_out):
            if kind := kind_of(member):
                left_out[kind] += 1
            else:
                images.add(base_name(member.name), 0, 0, member)
    return _numbered(images.sorted_files(), left_out)


def _numbered(files: FileList, left_out: Counter[str]) -> tuple[FileList, list[str]]:
    numbers_N = image_numbers(files)
    _check_once(files, numbers_N)
    others = [as_text(os.fsdecode(path)) for path in files.paths_N[numbers_N == 0].tolist()]
    notes = [f"left out: {describe(left_out)}"] if left_out else []
    notes += [f"not among the validation images: {some(others)}"] if others else []
    return files.subset(numbers_N > 0), notes


def _check_once(files: FileList, numbers_N: np.ndarray) -> None:
    numbers, times = np.unique(numbers_N[numbers_N > 0], return_counts=True)
    if (times > 1).any():
        one, other = np.flatnonzero(numbers_N == numbers[times > 1][0])[:2]
        name = as_text(os.fsdecode(files.paths_N[other]))
        raise RequestError(f"{files.name(int(one))} and {name} are the same validation image")
