"""The layout of Tiny ImageNet as it unpacks: train/CLASS/images/, and val/images/ with classes in a text file."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Literal

from inceptionctl.data.folders import check_folder
from inceptionctl.data.found import Found
from inceptionctl.data.listing import Listing, check_classes, describe, read_class_folders, read_images, some
from inceptionctl.data.training_source import TrainingSource
from inceptionctl.errors import RequestError, count
from inceptionctl.files import FileError, read_text
from inceptionctl.settings import AbsolutePath, section

ANNOTATIONS = "val_annotations.txt"


@section
class Settings(TrainingSource):
    """Tiny ImageNet as it unpacks: 100,000 training and 10,000 validation images of 200 classes, 64 x 64 pixels."""

    title = "Tiny ImageNet"

    name: Literal["tiny_imagenet"]
    root: AbsolutePath | None
    """Folder with train/ and val/, tiny-imagenet-200 by its own name."""

    def find(self) -> Found:
        return _find(self.root)


@cache
def _find(root: str | None) -> Found:
    if not root:
        raise RequestError("data=tiny_imagenet needs data.root=DIR, the folder with train/ and val/")
    folder = Path(root)
    check_folder("root", folder)
    if not is_tiny_imagenet(folder):
        raise RequestError(
            f"data.root = {root} has no train/ with val/{ANNOTATIONS}, as Tiny ImageNet has when it is unpacked\n"
            "  a folder for each class is data=imagefolder"
        )
    return find_tiny_imagenet(folder)


def find_tiny_imagenet(root: Path) -> Found:
    train, eval, notes = read_tiny_imagenet(root)
    check_classes(train, eval)
    left_out = sum((found for listing in (train, eval) for found in listing.left_out.values()), Counter[str]())
    notes = [f"left out: {describe(left_out)}", *notes] if left_out else notes
    return Found(train.classes, train.files, eval.files, f"{root} (Tiny ImageNet)", tuple(notes))


def is_tiny_imagenet(root: Path) -> bool:
    return (root / "train").is_dir() and (root / "val" / ANNOTATIONS).exists()


def read_tiny_imagenet(root: Path) -> tuple[Listing, Listing, list[str]]:
    """(training images, evaluation images, what is missing). Raises RequestError for a validation image without a class
    of train/."""
    train, annotations = read_class_folders(root / "train", inside="images"), root / "val" / ANNOTATIONS
    class_of, images = _annotations(annotations), list[tuple[str, int, int]]()
    found, left_out = read_images(root / "val" / "images")
    for entry in found:
        name = class_of.pop(entry.name, None)
        if name not in train.classes:
            raise RequestError(f"{annotations} states no class of train/ for {entry.name}: {name}")
        images.append((f"images/{entry.name}", train.classes.index(name), entry.stat().st_size))
    notes = [f"{count(len(class_of), 'image')} of {ANNOTATIONS} missing: {some(sorted(class_of))}"] if class_of else []
    return train, Listing.of(root / "val", images, train.classes, {"": left_out}), notes


def _annotations(path: Path) -> dict[str, str]:
    """The class of each image: the first two columns. Raises RequestError for a line without them."""
    try:
        lines = [line.split("\t") for line in read_text(path).splitlines() if line.strip()]
    except FileError as error:
        raise RequestError(str(error)) from error
    if bad := next((number for number, line in enumerate(lines, start=1) if len(line) < 2), None):
        raise RequestError(f"{path}, line {bad}: not an image and its class with a tab between them")
    return {line[0]: line[1] for line in lines}
