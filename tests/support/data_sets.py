"""A small copy of every data set, for the tests that hold all of them to the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.images import DataSource
from support.downloaded_sets import fill_cifar, fill_fashion_mnist
from support.image_folders import fill
from support.labelled_images import balanced_labels, fill_validation, write_devkit, write_list
from support.packed_images import pack_data_set
from support.parquet_files import write_hub
from support.tar_images import WNIDS, training_images, write_shards, write_tar, write_tar_of_tars
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


def packed(folder: Path) -> list[str]:
    """Raw pixels; test_packed.py has JPEG."""
    source = data_set("imagefolder", folder / "images")
    return [f"data.root={pack_data_set(source, folder / 'packed', 'raw', shard_images=5)}"]


def parquet(folder: Path) -> list[str]:
    """Compressed; tests/data/parquet has other kinds."""
    return [f"data.root={write_hub(folder)}"]


def synthetic(folder: Path) -> list[str]:
    return ["data.images=60", "data.classes=3"]


def tiny_imagenet(folder: Path) -> list[str]:
    return [f"data.root={write_tiny_imagenet(folder)}"]


def labelled(folder: Path) -> list[str]:
    return [f"data.root={fill(folder, CLASSES, 3)}"]


def imagenet(folder: Path) -> list[str]:
    write_devkit(folder), write_tar_of_tars(folder / "ILSVRC2012_img_train.tar", training_images(), folder / "parts")
    numbers = np.flatnonzero(balanced_labels() < len(WNIDS))[:9] + 1
    images = fill_validation(folder / "images", *numbers.tolist())
    write_tar(folder / "ILSVRC2012_img_val.tar", {file.name: file.read_bytes() for file in images.iterdir()})
    return [f"data.root={folder}"]


def imagenet_val(folder: Path) -> list[str]:
    write_devkit(folder)
    return [f"data.root={fill_validation(folder / 'val', 1, 2, 7)}"]


def webdataset(folder: Path) -> list[str]:
    write_shards(folder / "train", "train", 2, 18), write_shards(folder / "val", "val", 2, 6)
    return [f"data.train={folder}/train/train-{{000000..000001}}.tar", f"data.val={folder / 'val'}"]


# By name: writes the data into a folder, and returns the words that name it.
DATA_SETS: dict[str, Callable[[Path], list[str]]] = {
    "cifar10": partial(fill_cifar, "cifar10"),
    "cifar100": partial(fill_cifar, "cifar100"),
    "digits": digits,
    "digits_jitter": digits,
    "fashion_mnist": fill_fashion_mnist,
    "imagefolder": imagefolder,
    "imagenet": imagenet,
    "imagenet_val": imagenet_val,
    "labelled": labelled,
    "list": listed,
    "packed": packed,
    "parquet": parquet,
    "synthetic": synthetic,
    "tiny_imagenet": tiny_imagenet,
    "webdataset": webdataset,
}


def data_set(name: str, folder: Path, *words: str) -> DataSource:
    """Its settings, as typed after `train` with `words`, of small data that is written into `folder`."""
    return parse(compose("train", [f"data={name}", "data.workers=0", *DATA_SETS[name](folder), *words])).data
