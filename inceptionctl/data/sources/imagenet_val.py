"""The 50,000 validation images of ILSVRC-2012 as they come: one folder, with labels from the development kit."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from inceptionctl.data.devkit import find_ground_truth, validation_labels
from inceptionctl.data.evaluation_source import EvaluationSource, evaluation_index
from inceptionctl.data.folders import check_folder
from inceptionctl.data.hidden import is_hidden
from inceptionctl.data.index import FileList, Index
from inceptionctl.data.listing import as_text, entries, is_folder, some
from inceptionctl.data.real_labels import N_VALIDATION, image_numbers
from inceptionctl.data.validation_images import NAMES, read_flat_folder
from inceptionctl.data.wordnet import wordnet_ids
from inceptionctl.errors import RequestError
from inceptionctl.settings import AbsolutePath, section


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
        files, notes = read_flat_folder(root)
        if not len(files):
            raise RequestError(_none_in(root))
        ground_truth = find_ground_truth(root, devkit)
        labels_N = validation_labels(ground_truth)[image_numbers(files) - 1]
        labelled = FileList(files.root, files.paths_N, labels_N, files.sizes_N)
        where = f"{root}, {len(files):,} of the {N_VALIDATION:,} validation images, labels of {ground_truth}"
        return evaluation_index(labelled, wordnet_ids(), where, *notes)


def _none_in(root: Path) -> str:
    folders = [as_text(entry.name) for entry in entries(root) if is_folder(entry) and not is_hidden(entry.name)]
    missing = f"data.root = {root} has no validation images, {NAMES}"
    if len(folders) > 2:
        held = some([f"{name}/" for name in folders])
        return f"{missing}, but {held}\n  class folders are data=labelled data.root={root}"
    if "val" in folders:
        return f"{missing}\n  is it data.root={root}/val?"
    return f"{missing}\n  images of other names are data=labelled, with data.root=DIR or data.list=FILE"
