"""ILSVRC-2012, ImageNet's 1000 classes, from the tars as they are downloaded or unpacked in any of the usual ways."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Literal

from inceptionctl.data.folders import check_folder
from inceptionctl.data.found import Found
from inceptionctl.data.imagenet_eval import read_validation_images
from inceptionctl.data.imagenet_train import read_training_images
from inceptionctl.data.listing import Listing, describe
from inceptionctl.data.training_source import TrainingSource
from inceptionctl.data.wordnet import wordnet_ids
from inceptionctl.errors import RequestError
from inceptionctl.settings import AbsolutePath, section

N_TRAINING = 1_281_167  # images


@section
class Settings(TrainingSource):
    """ImageNet to train and evaluate on: `root` with the two tars, or with train/ and val/."""

    title = "ImageNet"
    hub_id = "ILSVRC/imagenet-1k"

    name: Literal["imagenet"]
    root: AbsolutePath | None
    """Folder with ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar, or with train/ and val/, or Kaggle's ILSVRC/."""
    devkit: AbsolutePath | None
    """Folder of the ILSVRC-2012 devkit, or its archive, for validation images that are not in class folders; null: in,
    beside or above `root`."""

    def find(self) -> Found:
        return _find(self.root, self.devkit)


@cache  # the rows of a table share their images, and listing a million files takes a while
def _find(root: str | None, devkit: str | None) -> Found:
    if not root:
        raise RequestError("data=imagenet needs data.root=DIR, the folder of ImageNet's tars or of train/ and val/")
    check_folder("root", Path(root))
    if devkit and not Path(devkit).exists():
        raise RequestError(f"data.devkit = {devkit} is neither a folder nor an archive that can be reached")
    train, where = read_training_images(Path(root))
    eval = read_validation_images(Path(root), Path(devkit) if devkit else None, train.classes)
    return Found(train.classes, train.files, eval.files, f"{where} and {eval.where}", (*_notes(train), *eval.notes))


def _notes(train: Listing) -> list[str]:
    left_out, notes = sum(train.left_out.values(), Counter[str]()), list[str]()
    if left_out:
        notes.append(f"left out of the training images: {describe(left_out)}")
    if (n := len(train.files)) < N_TRAINING:
        notes.append(f"{n:,} of the {N_TRAINING:,} training images")
    elif n > N_TRAINING:
        notes.append(f"{n:,} training images, where ILSVRC-2012 has {N_TRAINING:,}")
    if others := len(set(train.classes) - set(wordnet_ids())):
        notes.append(f"{others:,} of the {len(train.classes):,} classes are none of ILSVRC-2012")
    return notes
