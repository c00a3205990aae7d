"""A small copy of every data set, for the tests that hold all of them to the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.images import DataSource
from support.downloaded_sets import fill_cifar, fill_fashion_mnist
from support.image_folders import fill
from support.labelled_images import fill_validation, write_devkit, write_list
from support.tiny_imagenet import write_tiny_imagenet

CLASSES = ("ant", "bee", "cat")


def digits(folder: Path) -> list[str]:
    return []


def imagefolder(folder: Path) -> list[str]:
    fill(folder / "train", CLASSES, 12, ".jpg"), fill(folder / "val", CLASSES, 3, ".jpg")
    return [f"data.root={folder}"]


def listed(folder: Path) -> list[str]:
    fill(folder / "train", CLASSES, 12), fill(folder / "val", CLASSES, 3)
    for split in ("train", "val"):
        write_list(folder, *_lines(folder / split), name=f"{split}.txt")
    return [f"data.train={folder}/train.txt", f"data.val={folder}/val.txt"]


def _lines(split: Path) -> list[str]:
    return [f"{path.relative_to(split.parent)} {path.parent.name}" for path in sorted(split.rglob("*.png"))]


def synthetic(folder: Path) -> list[str]:
    return ["data.images=60", "data.classes=3"]


def tiny_imagenet(folder: Path) -> list[str]:
    return [f"data.root={write_tiny_imagenet(folder)}"]


def labelled(folder: Path) -> list[str]:
    return [f"data.root={fill(folder, CLASSES, 3)}"]


def imagenet_val(folder: Path) -> list[str]:
    write_devkit(folder)
    return [f"data.root={fill_validation(folder / 'val', 1, 2, 7)}"]


# By name: writes the data into a folder, and returns the words that name it.
DATA_SETS: dict[str, Callable[[Path], list[str]]] = {
    "cifar10": partial(fill_cifar, "cifar10"),
    "cifar100": partial(fill_cifar, "cifar100"),
    "digits": digits,
    "digits_jitter": digits,
    "fashion_mnist": fill_fashion_mnist,
    "imagefolder": imagefolder,
    "imagenet_val": imagenet_val,
    "labelled": labelled,
    "list": listed,
    "synthetic": synthetic,
    "tiny_imagenet": tiny_imagenet,
}


def data_set(name: str, folder: Path, *words: str) -> DataSource:
    """Its settings, as typed after `train` with `words`, of small data that is written into `folder`."""
    return parse(compose("train", [f"data={name}", "data.workers=0", *DATA_SETS[name](folder), *words])).data
