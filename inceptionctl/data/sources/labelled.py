"""Any labelled images, to evaluate on: a folder for each class, or a list of files and labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from inceptionctl.data.evaluation_source import EvaluationSource, evaluation_index
from inceptionctl.data.folders import check_folder
from inceptionctl.data.index import FileList, Index
from inceptionctl.data.label_list import read_label_list
from inceptionctl.data.listing import Listing, describe, read_class_folders, some
from inceptionctl.errors import RequestError
from inceptionctl.settings import AbsolutePath, section


@section
class Settings(EvaluationSource):
    """Labelled images to evaluate on: `root` with a folder for each class, or `list` with a path and a label a line."""

    title = "labelled images"

    name: Literal["labelled"]
    root: AbsolutePath | None
    """Folder with a folder for each class, or where the paths of `list` begin; null: the folder of `list`."""
    list: AbsolutePath | None
    """Text file with a path and a label a line: a class name, a WordNet id, or a class number from 0 on."""

    def index(self, dev: bool) -> Index:
        if self.list:
            return _listed(Path(self.list), Path(self.root) if self.root else Path(self.list).parent)
        if not self.root:
            raise RequestError("data=labelled needs data.root=DIR with a folder for each class, or data.list=FILE")
        return _in_folders(Path(self.root))


def _listed(path: Path, root: Path) -> Index:
    check_folder("root", root)
    listing, numbered = read_label_list(path, root)
    return evaluation_index(listing.files, listing.classes, f"{path}, files below {root}", numbered=numbered)


def _in_folders(root: Path) -> Index:
    check_folder("root", root)
    listing = read_class_folders(root)
    if not len(listing.files):
        raise RequestError(_nothing_in(root, listing))
    counts_K, left_out = listing.files.counts(listing.classes), sum(listing.left_out.values(), Counter[str]())
    empty = [listing.classes[k] for k in np.flatnonzero(counts_K == 0)]
    notes = [f"no images in {some(empty)}"] if empty else []
    notes += [f"left out: {describe(left_out)}"] if left_out else []
    return evaluation_index(*_with_images(listing, counts_K), str(root), *notes)


def _with_images(listing: Listing, counts_K: np.ndarray) -> tuple[FileList, tuple[str, ...]]:
    """The files, and the classes that have any."""
    kept, files = np.flatnonzero(counts_K), listing.files
    labels_N = np.searchsorted(kept, files.labels_N)
    return replace(files, labels_N=labels_N), tuple(listing.classes[k] for k in kept)


def _nothing_in(root: Path, listing: Listing) -> str:
    splits = [name for name in ("val", "test", "train") if name in listing.classes]
    if splits:
        return f"data.root = {root} has no class folders but splits: set data.root={root / splits[0]}"
    held = describe(sum(listing.left_out.values(), Counter[str]()))
    flat = listing.left_out[""]["image beside the class folders"]
    advice = (
        "  data.list=FILE gives labels to images that lie in one folder; data=imagenet_val is ImageNet's validation set"
        if flat
        else "  it is the folder that has a folder of images for each class"
    )
    return f"data.root = {root} has no images in class folders: it holds {held}\n{advice}"
