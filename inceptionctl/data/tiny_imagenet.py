"""The layout of Tiny ImageNet as it unpacks: train/CLASS/images/, and val/images/ with classes in a text file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from inceptionctl.data.listing import Listing, entries, is_image, read_class_folders
from inceptionctl.errors import RequestError

ANNOTATIONS = "val_annotations.txt"


def is_tiny_imagenet(root: Path) -> bool:
    return (root / "train").is_dir() and (root / "val" / ANNOTATIONS).is_file()


def read_tiny_imagenet(root: Path) -> tuple[Listing, Listing]:
    """(training, evaluation) images. Raises RequestError for a validation image without a class of train/."""
    train = read_class_folders(root / "train", inside="images")
    lines = (root / "val" / ANNOTATIONS).read_text().splitlines()
    class_of = {line.split("\t")[0]: line.split("\t")[1] for line in lines if "\t" in line}
    images = list[tuple[str, int, int]]()
    for entry in filter(is_image, entries(root / "val" / "images")):
        name = class_of.get(entry.name)
        if name not in train.classes:
            raise RequestError(f"{root / 'val' / ANNOTATIONS} states no class of train/ for {entry.name}: {name}")
        images.append((f"images/{entry.name}", train.classes.index(name), entry.stat().st_size))
    return train, Listing.of(root / "val", images, train.classes, {"": Counter()})
