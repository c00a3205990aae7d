"""Images to train and to evaluate on that two text files name, with a path and a label a line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from inceptionctl.data.class_names import read_class_names
from inceptionctl.data.folders import check_folder
from inceptionctl.data.found import Found
from inceptionctl.data.index import FileList
from inceptionctl.data.label_list import read_label_list
from inceptionctl.data.listing import Listing, some
from inceptionctl.data.training_source import TrainingSource
from inceptionctl.errors import RequestError, count
from inceptionctl.settings import AbsolutePath, section


@section
class Settings(TrainingSource):
    """Lists of images: `train` and `val` have a path, a blank and a label a line; labels are names, or numbers from 0
    on."""

    title = "listed images"

    name: Literal["list"]
    train: AbsolutePath | None
    """Text file of the images to train on."""
    val: AbsolutePath | None
    """Text file of the images to evaluate on."""
    root: AbsolutePath | None
    """Folder that the paths begin at; null: the folder of each list."""
    class_names: AbsolutePath | None
    """Text file with a class name a line, for labels that are numbers: the first line is class 0; null: the numbers."""

    def find(self) -> Found:
        if not (self.train and self.val):
            raise RequestError("data=list needs data.train=FILE and data.val=FILE, with a path and a label a line")
        return _find(Path(self.train), Path(self.val), self.root, self.class_names)


@cache
def _find(train: Path, val: Path, root: str | None, class_names: str | None) -> Found:
    if root:
        check_folder("root", Path(root))
    trained, train_numbered = read_label_list(train, Path(root) if root else train.parent, "data.train")
    evaluated, numbered = read_label_list(val, Path(root) if root else val.parent, "data.val")
    if numbered != train_numbered:
        kinds = ["numbers" if one else "names" for one in (train_numbered, numbered)]
        raise RequestError(f"the labels of {train} are {kinds[0]}, those of {val} {kinds[1]}: write both alike")
    if class_names and not numbered:
        raise RequestError(f"data.class_names has no effect: the labels of {train} are names already\n  leave it out")
    classes = _numbered_classes((trained, evaluated), class_names) if numbered else _classes(trained, evaluated)
    files = [_relabelled(listing, classes, numbered) for listing in (trained, evaluated)]
    _check_trained(train, files[0], classes)
    return Found(classes, files[0], files[1], f"{train} and {val}", _notes(*files))


def _classes(*listings: Listing) -> tuple[str, ...]:
    return tuple(sorted({name for listing in listings for name in listing.classes}))


def _numbered_classes(listings: Sequence[Listing], class_names: str | None) -> tuple[str, ...]:
    """The name of each number. Raises RequestError for a number without a name."""
    most = max(int(name) for listing in listings for name in listing.classes)
    if class_names is None:
        return tuple(map(str, range(most + 1)))
    names = read_class_names(Path(class_names))
    if most >= len(names):
        raise RequestError(
            f"data.class_names = {class_names} names classes 0 to {len(names) - 1:,}, and the lists have class {most:,}"
        )
    return names


def _relabelled(listing: Listing, classes: Sequence[str], numbered: bool) -> FileList:
    """With labels that are places in `classes`."""
    place = {name: k for k, name in enumerate(classes)}
    places_K = np.array([int(name) if numbered else place[name] for name in listing.classes], dtype=np.int64)
    return replace(listing.files, labels_N=places_K[listing.files.labels_N])


def _check_trained(path: Path, files: FileList, classes: tuple[str, ...]) -> None:
    """Raises RequestError for fewer than two classes, and for one without images to train on."""
    if len(classes) < 2:
        raise RequestError(f"{path} has one class, {classes[0]}: a network needs two classes to tell apart")
    if missing := [classes[k] for k in np.flatnonzero(files.counts(classes) == 0)]:
        raise RequestError(f"{path} has no images of {len(missing):,} of the {len(classes):,} classes: {some(missing)}")


def _notes(train: FileList, eval: FileList) -> tuple[str, ...]:
    both = {os.path.join(train.root.encode(), path) for path in train.paths_N.tolist()}
    both &= {os.path.join(eval.root.encode(), path) for path in eval.paths_N.tolist()}
    return (f"{count(len(both), 'image')} in both lists",) if both else ()
