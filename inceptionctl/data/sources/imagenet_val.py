"""The 50,000 validation images of ILSVRC-2012 as they come: one folder, with labels from the development kit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np

from inceptionctl.data.devkit import find_ground_truth, validation_labels
from inceptionctl.data.evaluation_source import EvaluationSource, check_folder, evaluation_index
from inceptionctl.data.index import FileList, Index
from inceptionctl.data.listing import as_text, describe, entries, is_folder, read_images, some
from inceptionctl.data.real_labels import N_VALIDATION, image_numbers
from inceptionctl.data.wordnet import wordnet_ids
from inceptionctl.errors import RequestError
from inceptionctl.settings import AbsolutePath, section

NAMES = f"ILSVRC2012_val_00000001.JPEG to ILSVRC2012_val_{N_VALIDATION:08d}.JPEG"


@section
class Settings(EvaluationSource):
    """ImageNet's validation images in one folder, all or some of them, to evaluate on."""

    title = "ImageNet validation"

    name: Literal["imagenet_val"]
    root: AbsolutePath | None
    """Folder of the images."""
    devkit: AbsolutePath | None
    """Folder of the ILSVRC-2012 devkit; null: beside or above `root`."""

    def index(self, dev: bool) -> Index:
        if not self.root:
            raise RequestError("data=imagenet_val needs data.root=DIR, the folder of the validation images")
        root, devkit = Path(self.root), Path(self.devkit) if self.devkit else None
        check_folder("root", root)
        if devkit:
            check_folder("devkit", devkit)
        files, notes = _images(root)
        ground_truth = find_ground_truth(root, devkit)
        labels_N = validation_labels(ground_truth)[image_numbers(files) - 1]
        labelled = FileList(files.root, files.paths_N, labels_N, files.sizes_N)
        where = f"{root}, {len(files):,} of the {N_VALIDATION:,} validation images, labels of {ground_truth}"
        return evaluation_index(labelled, wordnet_ids(), where, *notes)


def _images(root: Path) -> tuple[FileList, list[str]]:
    """(the validation images without labels, what is left out). Raises RequestError for a folder without them."""
    found, left_out = read_images(root)
    names_N = np.array([os.fsencode(entry.name) for entry in found], dtype=bytes)
    sizes_N = np.array([entry.stat().st_size for entry in found], dtype=np.int64)
    files = FileList(str(root), names_N, np.zeros(len(found), dtype=np.int64), sizes_N)
    numbers_N = image_numbers(files)
    if not numbers_N.any():
        raise RequestError(_none_in(root))
    _check_once(files, numbers_N)
    others = [as_text(entry.name) for entry, number in zip(found, numbers_N, strict=True) if not number]
    notes = [f"left out: {describe(left_out)}"] if left_out else []
    notes += [f"not among the validation images: {some(others)}"] if others else []
    return files.subset(numbers_N > 0), notes


def _none_in(root: Path) -> str:
    folders = [as_text(entry.name) for entry in entries(root) if is_folder(entry) and not entry.name.startswith(".")]
    missing = f"data.root = {root} has no validation images, {NAMES}"
    if len(folders) > 2:
        held = some([f"{name}/" for name in folders])
        return f"{missing}, but {held}\n  class folders are data=labelled data.root={root}"
    if "val" in folders:
        return f"{missing}\n  is it data.root={root}/val?"
    return f"{missing}\n  images of other names are data=labelled, with data.root=DIR or data.list=FILE"


def _check_once(files: FileList, numbers_N: np.ndarray) -> None:
    numbers, times = np.unique(numbers_N[numbers_N > 0], return_counts=True)
    if (times > 1).any():
        twice = np.flatnonzero(numbers_N == numbers[times > 1][0])
        raise RequestError(
            f"{files.path(int(twice[0]))} and {files.path(int(twice[1])).name} are the same validation image"
        )
