"""Image files in a folder for each class."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from inceptionctl.data.file_images import open_splits
from inceptionctl.data.images import DataSource, DataSplits, Views
from inceptionctl.data.index import FileList, Index
from inceptionctl.data.listing import (
    Listing,
    check_classes,
    check_images,
    describe,
    entries,
    is_folder,
    per_class,
    read_class_folders,
    some,
    split_classes,
)
from inceptionctl.data.tiny_imagenet import is_tiny_imagenet, read_tiny_imagenet
from inceptionctl.errors import RequestError
from inceptionctl.settings import AbsolutePath, Finite, Flag, section

DEV_FRACTION = 0.1


@section
class Settings(DataSource):
    """Your own images: `root` with train/ and val/ (or test/), or `train` and `val`, or `root` and `split`."""

    title = "image folder"

    name: Literal["imagefolder"]
    root: AbsolutePath | None
    """Folder with train/ and val/ (or test/), or with the class folders that `split` divides."""
    train: AbsolutePath | None
    """Folder with the class folders to train on; goes with `val` and without `root`."""
    val: AbsolutePath | None
    """Folder with the class folders to evaluate on."""
    split: Annotated[Finite, Field(gt=0, lt=1)] | None
    """Fraction of each class of `root` to evaluate on, the same images for every seed; null: `root` is divided."""
    train_fraction: Annotated[Finite, Field(gt=0, lt=1)] | None
    """Fraction of each class to train on, the same images for every seed; null: all of them."""
    in_memory: Flag
    """Decoded images stay in memory, of each rank: for small images. They are read once, when the run starts."""
    on_corrupt: Literal["error", "skip", "replace", "wrong"]
    """For an image that cannot be read. error: end the run; skip: leave it out; replace: train on the next one instead,
    and leave it out in evaluation; wrong: leave it out in training, and count it as wrong in evaluation."""

    def index(self, dev: bool) -> Index:
        found = _find(self.root, self.train, self.val, self.split)
        return _index_once(found, self.train_fraction, self.eval_split, dev)

    def open(self, index: Index, views: Views, seed: int) -> DataSplits:
        return open_splits(index, views, seed, self.on_corrupt, self.in_memory)


@dataclass(frozen=True, eq=False)
class _Found:
    """What the settings name, before a dev split is taken; `where` says which folders or which share, `notes` what else
    to know of them."""

    listings: tuple[Listing, ...]
    train: FileList
    eval: FileList
    where: str
    notes: tuple[str, ...] = ()


@cache  # the rows of a table share their images, and listing a million files takes a while
def _find(root: str | None, train: str | None, val: str | None, split: float | None) -> _Found:
    if train or val:
        if root or split:
            raise RequestError("data.root and data.split have no effect beside data.train and data.val")
        return _two_folders(train, val)
    return _one_folder(root, split)


@cache
def _index_once(found: _Found, train_fraction: float | None, eval_split: str, dev: bool) -> Index:
    classes, train_files, eval_files, dev_files = found.listings[0].classes, found.train, found.eval, None
    if train_fraction:
        train_files = split_classes(train_files, classes, train_fraction)[1]
    if dev or eval_split == "dev":
        train_files, dev_files = split_classes(train_files, classes, DEV_FRACTION)
        eval_files = dev_files if eval_split == "dev" else found.eval
    return Index(
        n_train=len(train_files),
        n_eval=len(eval_files),
        classes=classes,
        provenance=_provenance(found, train_files, eval_files, train_fraction, dev_files),
        fingerprint=train_files.digest(classes),
        eval_fingerprint=eval_files.digest(classes),
        dev=dev,
        files={"train": train_files, "eval": eval_files} | ({"dev": dev_files} if dev and dev_files else {}),
    )


def _provenance(
    found: _Found, train: FileList, eval: FileList, train_fraction: float | None, dev: FileList | None
) -> str:
    classes = found.listings[0].classes
    train_K, eval_K = train.counts(classes), eval.counts(classes)
    notes = [
        f"{len(train):,} images of {len(classes)} classes to train on ({per_class(train_K)}) and {len(eval):,} to "
        f"evaluate on ({per_class(eval_K)}): {found.where}"
    ]
    if train_fraction:
        notes.append(f"data.train_fraction: {train_fraction:.0%} of the {len(found.train):,} training images are used")
    if dev is not None:
        notes.append(f"dev split: {DEV_FRACTION:.0%} of the training images")
    if without := [classes[k] for k in np.flatnonzero(eval_K == 0)]:
        notes.append(f"no images to evaluate on of {some(without)}")
    left_out = sum((count for listing in found.listings for count in listing.left_out.values()), Counter[str]())
    if left_out:
        notes.append(f"left out: {describe(left_out)}")
    return "; ".join([*notes, *found.notes])


def _two_folders(train: str | None, val: str | None, *notes: str) -> _Found:
    if not (train and val):
        raise RequestError("data.train and data.val go together: one of them is missing")
    if Path(train).resolve() == Path(val).resolve():
        notes = (*notes, "evaluated on the training images, since both folders are the same")
    return _pair(read_class_folders(Path(train)), read_class_folders(Path(val)), f"{train} and {val}", *notes)


def _one_folder(root: str | None, split: float | None) -> _Found:
    if not root:
        raise RequestError("data=imagefolder needs data.root=DIR, or data.train=DIR and data.val=DIR")
    folder = Path(root)
    if not folder.is_dir():
        raise RequestError(f"data.root = {root} is not a folder")
    if split:
        return _divided(folder, split)
    if is_tiny_imagenet(folder):
        train, val, notes = read_tiny_imagenet(folder)
        return _pair(train, val, f"{root} (Tiny ImageNet)", *notes)
    inside = [entry.name for entry in entries(folder) if is_folder(entry) and not entry.name.startswith(".")]
    for name in ("val", "test"):
        if {"train", name} <= set(inside):
            unused = [f"{other}/" for other in inside if other not in ("train", name)]
            notes = [f"not used: {some(unused)}"] if unused else []
            return _two_folders(str(folder / "train"), str(folder / name), *notes)
    raise RequestError(
        f"data.root = {root} has no train/ with val/ or test/, but "
        f"{some([f'{name}/' for name in inside]) or 'no folders'}\n"
        "  name both folders with data.train=DIR and data.val=DIR, or divide class folders with data.split=0.1"
    )


def _divided(folder: Path, split: float) -> _Found:
    if (folder / "train").is_dir():
        raise RequestError(f"data.split divides class folders, and {folder} has train/: set data.root={folder}/train")
    whole = read_class_folders(folder)
    check_images(whole)
    kept, eval = split_classes(whole.files, whole.classes, split)
    return _Found((whole,), kept, eval, f"{folder}, {split:.0%} of it to evaluate on (data.split)")


def _pair(train: Listing, eval: Listing, where: str, *notes: str) -> _Found:
    check_classes(train, eval)
    return _Found((train, eval), train.files, eval.files, where, notes)
