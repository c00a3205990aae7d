"""Fashion-MNIST: 60,000 grey images to train on, 10,000 to evaluate on, 10 classes, 28 x 28 pixels.

Xiao et al., Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms, arXiv:1708.07747.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from inceptionctl.data.byte_ranges import ByteRanges
from inceptionctl.data.checked_files import read_unpacked
from inceptionctl.data.downloaded_source import DownloadedSource
from inceptionctl.data.downloads import Archive, obtain
from inceptionctl.data.found import Found
from inceptionctl.data.idx import header_bytes, idx_header
from inceptionctl.data.index import FileList
from inceptionctl.errors import RequestError
from inceptionctl.settings import section

TITLE = "Fashion-MNIST"
FOLDER = "FashionMNIST/raw"
SIDE = 28
# Addresses, names, checksums and classes: torchvision.datasets.FashionMNIST.
MIRRORS = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


def _archive(name: str, md5: str, size: int) -> Archive:
    """The checksums are those of the .gz files, which are therefore needed too."""
    packed = f"{FOLDER}/{name}.gz"
    return Archive(packed, md5, size, tuple(f"{url}{name}.gz" for url in MIRRORS), (packed, f"{FOLDER}/{name}"))


# (images, labels) to train on, and to evaluate on.
SPLITS = (
    (
        _archive("train-images-idx3-ubyte", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
        _archive("train-labels-idx1-ubyte", "25c81989df183df01b3e8a0aad5dffbe", 29_515),
    ),
    (
        _archive("t10k-images-idx3-ubyte", "bef4ecab320f06d8554ea6380940ec79", 4_422_102),
        _archive("t10k-labels-idx1-ubyte", "bb300cfdad3c16e7a12a480ee83cd310", 5_148),
    ),
)


@section
class Settings(DownloadedSource):
    """Fashion-MNIST in the files of its authors."""

    title = TITLE
    hub_id = "zalando-datasets/fashion_mnist"

    name: Literal["fashion_mnist"]

    def find(self) -> Found:
        return _find(SPLITS, self.folder, self.download)


@cache  # the rows of a table share their images
def _find(splits: tuple[tuple[Archive, Archive], ...], root: str, download: bool) -> Found:
    obtain(TITLE, tuple(archive for split in splits for archive in split), Path(root), download)
    train, eval = (_split(Path(root), *archives) for archives in splits)
    where = f"{TITLE}, as torchvision downloads it, in {Path(root, FOLDER)} (md5 checked)"
    return Found(CLASSES, train, eval, where)


def _split(root: Path, images: Archive, labels: Archive) -> FileList:
    folder, name = Path(root, FOLDER), Path(images.files[1]).name
    (n_images, *sides), _ = _read(root, images, 3)
    (n_labels,), labels_N = _read(root, labels, 1)
    if sides != [SIDE, SIDE] or n_labels != n_images or labels_N.max(initial=0) >= len(CLASSES):
        expected = f"{n_labels:,} images of {SIDE} x {SIDE} pixels, each with a label from 0 to {len(CLASSES) - 1}"
        raise RequestError(f"{folder / name} cannot be read: it is not {expected}")
    offsets_N = header_bytes(3) + SIDE * SIDE * np.arange(n_images)
    ranges = ByteRanges((name,), np.zeros(n_images, dtype=np.int64), offsets_N, (SIDE, SIDE))
    paths_N = np.array([f"{name}/{i:05d}".encode() for i in range(n_images)], dtype=bytes)
    return FileList(str(folder), paths_N, labels_N.astype(np.int64), np.full(n_images, SIDE * SIDE), ranges=ranges)


def _read(root: Path, archive: Archive, n_dimensions: int) -> tuple[tuple[int, ...], np.ndarray]:
    """(dimensions, values without them)"""
    path = root / archive.files[1]
    data = read_unpacked(path, root / archive.name, archive.md5)
    try:
        shape = idx_header(data, n_dimensions)
    except ValueError as error:
        raise RequestError(f"{path} cannot be read: {error}") from error
    return shape, np.frombuffer(data, np.uint8, offset=header_bytes(n_dimensions))
