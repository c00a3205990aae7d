"""The validation images of ILSVRC-2012 with the classes of the training images, from a tar or from folders."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inceptionctl.data.devkit import KAGGLE, find_ground_truth, validation_labels
from inceptionctl.data.hidden import is_hidden
from inceptionctl.data.imagenet_train import check_wordnet_ids
from inceptionctl.data.index import FileList
from inceptionctl.data.listing import describe, entries, is_folder, read_class_folders, some
from inceptionctl.data.real_labels import N_VALIDATION, image_numbers
from inceptionctl.data.validation_images import NAMES, read_flat_folder, read_flat_tar
from inceptionctl.data.wordnet import wordnet_ids
from inceptionctl.errors import RequestError, count, shortened
from inceptionctl.files import FileError, read_text
from inceptionctl.stamps import note

VAL_TAR = "ILSVRC2012_img_val.tar"
VAL_FOLDERS = ("val", "ILSVRC2012_img_val", str(KAGGLE / "val"))
SOLUTION = "LOC_val_solution.csv"  # Kaggle's labels
IMAGE_ID = re.compile("ILSVRC2012_val_([0-9]{8})")


@dataclass(frozen=True, eq=False)
class Labelled:
    """`files`, whose labels are indices of `classes`; `where` they lie and their labels come from."""

    files: FileList
    classes: tuple[str, ...]
    where: str
    notes: tuple[str, ...]


def read_validation_images(root: Path, devkit: Path | None, classes: tuple[str, ...]) -> Labelled:
    """The images of `classes`. Raises RequestError where there are none, and where their labels are not found."""
    found = _read(root, devkit)
    class_of = {wnid: k for k, wnid in enumerate(classes)}
    mapping_C = np.array([class_of.get(wnid, -1) for wnid in found.classes], dtype=np.int64)
    labels_N = mapping_C[found.files.labels_N]
    files = replace(found.files, labels_N=labels_N).subset(labels_N >= 0)
    if not len(files):
        raise RequestError(
            f"none of the {len(labels_N):,} images of {found.where} is of the {len(classes):,} classes to train on, "
            f"{some(classes)}"
        )
    notes = list(found.notes)
    if len(labels_N) != N_VALIDATION:
        notes.append(f"{len(labels_N):,} of the {N_VALIDATION:,} validation images")
    if others := len(labels_N) - len(files):
        notes.append(f"{count(others, 'validation image')} of other classes left out")
    return Labelled(files, classes, found.where, tuple(notes))


def _read(root: Path, devkit: Path | None) -> Labelled:
    """Class folders go before a tar, since they need no other labels."""
    for name in VAL_FOLDERS:
        note(root / name)
    folders = [root / name for name in VAL_FOLDERS if os.path.isdir(root / name)]
    for folder in folders:
        if names := [entry.name for entry in entries(folder) if is_folder(entry) and not is_hidden(entry.name)]:
            check_wordnet_ids(folder, names)
            return _in_class_folders(folder)
    if os.path.lexists(root / VAL_TAR):
        return _flat(root, devkit, root / VAL_TAR, *read_flat_tar(root / VAL_TAR))
    if folders:
        return _flat(root, devkit, folders[0], *read_flat_folder(folders[0]))
    wanted = f"{VAL_TAR}, {', '.join(f'{name}/' for name in VAL_FOLDERS)}"
    raise RequestError(f"data.root = {root} has no validation images of ImageNet: none of {wanted}")


def _in_class_folders(folder: Path) -> Labelled:
    listing = read_class_folders(folder)
    left_out = sum(listing.left_out.values(), Counter[str]())
    if not len(listing.files):
        raise RequestError(f"no images to evaluate on in the class folders of {folder}: {describe(left_out)}")
    notes = (f"left out: {describe(left_out)}",) if left_out else ()
    return Labelled(listing.files, listing.classes, f"{folder} in class folders", notes)


def _flat(root: Path, devkit: Path | None, where: Path, files: FileList, notes: list[str]) -> Labelled:
    if not len(files):
        held = f": {'; '.join(notes)}" if notes else ""
        raise RequestError(f"{where} has neither class folders nor validation images, {NAMES}{held}")
    numbers_N = image_numbers(files)
    labels_N, source = _labels(root, devkit)
    labelled = replace(files, labels_N=labels_N[numbers_N - 1])
    if (labelled.labels_N < 0).any():
        name = labelled.paths_N[int(np.flatnonzero(labelled.labels_N < 0)[0])].decode()
        raise RequestError(f"{source} states no class of {name}")
    return Labelled(labelled, wordnet_ids(), f"{where} with labels of {source}", tuple(notes))


def _labels(root: Path, devkit: Path | None) -> tuple[np.ndarray, Path]:
    """(the class of each validation image by number, -1 where it is not stated, where they were found)."""
    solution = root / SOLUTION
    try:
        source = find_ground_truth(root, devkit)
    except RequestError:
        if devkit or not os.path.lexists(solution):
            raise
        return _labels_of_kaggle(solution), solution
    return validation_labels(source), source


def _labels_of_kaggle(path: Path) -> np.ndarray:
    """Lines are "ILSVRC2012_val_00000001,n01440764 1 2 3 4 ...": an image, then a class and a box, once or more."""
    class_of, labels_N = {wnid: k for k, wnid in enumerate(wordnet_ids())}, np.full(N_VALIDATION, -1, dtype=np.int64)
    try:
        rows = list(csv.reader(read_text(path).splitlines()))
    except (FileError, csv.Error) as error:
        raise RequestError(str(error) if isinstance(error, FileError) else f"{path}: {error}") from error
    for line, row in enumerate(rows[1:], start=2):
        number = IMAGE_ID.fullmatch(row[0]) if len(row) == 2 else None
        wnid = row[1].partition(" ")[0] if number else ""
        if number is None or wnid not in class_of or not 1 <= int(number[1]) <= N_VALIDATION:
            raise RequestError(
                f"{path}, line {line}: {shortened(','.join(row))!r} is no validation image with its class\n"
                "  a line is ILSVRC2012_val_00000001,n01440764 and a box"
            )
        labels_N[int(number[1]) - 1] = class_of[wnid]
    return labels_N
