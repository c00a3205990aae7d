"""Image files in a folder for each class."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from inceptionctl.data.folders import check_folder
from inceptionctl.data.found import Found
from inceptionctl.data.hidden import is_hidden
from inceptionctl.data.leave_out import leave_out_of
from inceptionctl.data.listing import (
    Listing,
    check_classes,
    check_images,
    describe,
    entries,
    is_folder,
    read_class_folders,
    some,
    split_classes,
)
from inceptionctl.data.sources.tiny_imagenet import find_tiny_imagenet, is_tiny_imagenet
from inceptionctl.data.training_source import TrainingSource
from inceptionctl.errors import RequestError
from inceptionctl.settings import AbsolutePath, Finite, section


@section
class Settings(TrainingSource):
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

    def find(self) -> Found:
        return _find(self.root, self.train, self.val, self.split)

    def listings(self) -> dict[str, Listing]:
        """Those of folders that are refused too: their classes may differ or have no images. Images of 0 bytes are
        listed."""
        folders = _folders(self.root, self.train, self.val)
        if not folders:
            return super().listings()
        found = {split: read_class_folders(folder, empty=True) for split, folder in folders.items()}
        if not self.leave_out:
            return found
        left, _ = leave_out_of({split: listing.files for split, listing in found.items()}, Path(self.leave_out))
        return {split: replace(listing, files=left[split]) for split, listing in found.items()}


@cache  # the rows of a table share their images, and listing a million files takes a while
def _find(root: str | None, train: str | None, val: str | None, split: float | None) -> Found:
    if train or val:
        if root or split:
            raise RequestError("data.root and data.split have no effect beside data.train and data.val")
        return _two_folders(train, val)
    return _one_folder(root, split)


def _two_folders(train: str | None, val: str | None, *notes: str) -> Found:
    if not (train and val):
        raise RequestError("data.train and data.val go together: one of them is missing")
    check_folder("train", Path(train))
    check_folder("val", Path(val))
    if Path(train).resolve() == Path(val).resolve():
        notes = (*notes, "evaluated on the training images, since both folders are the same")
    return _pair(read_class_folders(Path(train)), read_class_folders(Path(val)), f"{train} and {val}", *notes)


def _folders(root: str | None, train: str | None, val: str | None) -> dict[str, Path]:
    """The folder of each split that is there, without a look at its classes: "all" where class folders are not divided.
    Nothing for what the settings do not name, and for a layout of another kind."""
    if train or val:
        return {split: Path(folder) for split, folder in (("train", train), ("eval", val)) if folder}
    folder = Path(root or "")
    if not root or not folder.is_dir() or is_tiny_imagenet(folder):
        return {}
    inside = _folders_in(folder)
    evaluated = next((name for name in ("val", "test") if name in inside), None)
    if "train" not in inside:
        return {"all": folder}
    return {"train": folder / "train"} | ({"eval": folder / evaluated} if evaluated else {})


def _folders_in(folder: Path) -> list[str]:
    return [entry.name for entry in entries(folder) if is_folder(entry) and not is_hidden(entry.name)]


def _one_folder(root: str | None, split: float | None) -> Found:
    if not root:
        raise RequestError("data=imagefolder needs data.root=DIR, or data.train=DIR and data.val=DIR")
    folder = Path(root)
    check_folder("root", folder)
    if split:
        return _divided(folder, split)
    if is_tiny_imagenet(folder):
        return find_tiny_imagenet(folder)
    inside = _folders_in(folder)
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


def _divided(folder: Path, split: float) -> Found:
    if (folder / "train").is_dir():
        raise RequestError(f"data.split divides class folders, and {folder} has train/: set data.root={folder}/train")
    whole = read_class_folders(folder)
    check_images(whole)
    kept, eval = split_classes(whole.files, whole.classes, split)
    where = f"{folder}, {split:.0%} of it to evaluate on (data.split)"
    return Found(whole.classes, kept, eval, where, _left_out(whole))


def _pair(train: Listing, eval: Listing, where: str, *notes: str) -> Found:
    check_classes(train, eval)
    return Found(train.classes, train.files, eval.files, where, (*_left_out(train, eval), *notes))


def _left_out(*listings: Listing) -> tuple[str, ...]:
    found = sum((count for listing in listings for count in listing.left_out.values()), Counter[str]())
    return (f"left out: {describe(found)}",) if found else ()
