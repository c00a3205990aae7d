"""CIFAR-10 and CIFAR-100: images are byte ranges of the batch files that torchvision reads. No torch.

Krizhevsky, Learning multiple layers of features from tiny images, 2009.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from inceptionctl.data.byte_ranges import ByteRanges
from inceptionctl.data.checked_files import read_checked
from inceptionctl.data.downloads import Archive, obtain
from inceptionctl.data.found import Found
from inceptionctl.data.index import FileList
from inceptionctl.data.restricted_pickle import PickledArray, offset_of, read_pickle
from inceptionctl.errors import RequestError

SHAPE = (3, 32, 32)
IMAGE_BYTES = 3 * 32 * 32
Checked = tuple[str, str]  # a file in the folder, and its md5


@dataclass(frozen=True)
class Cifar:
    """The facts of one of the two. `labels_key` and `names_key`: where the batches have their labels and `meta` the
    names of the classes."""

    title: str
    folder: str
    archive: Archive
    train: tuple[Checked, ...]
    test: tuple[Checked, ...]
    meta: Checked
    labels_key: bytes
    names_key: bytes


@cache  # the rows of a table share their images
def find_cifar(facts: Cifar, root: str, download: bool) -> Found:
    """Lists the images. Raises RequestError for files that are missing or not those that were published."""
    obtain(facts.title, (facts.archive,), Path(root), download)
    folder = Path(root, facts.folder)
    classes = _classes(facts, folder)
    train, test = (_split(facts, folder, files, len(classes)) for files in (facts.train, facts.test))
    return Found(classes, train, test, f"{facts.title}, as torchvision downloads it, in {folder} (md5 checked)")


def _classes(facts: Cifar, folder: Path) -> tuple[str, ...]:
    name, md5 = facts.meta
    names = _read(folder / name, md5)[1].get(facts.names_key)
    if not isinstance(names, list) or not all(isinstance(name, bytes) for name in names):
        raise RequestError(f"{folder / name} cannot be read: it has no list of names, {facts.names_key.decode()!r}")
    return tuple(name.decode(errors="backslashreplace") for name in names)


def _split(facts: Cifar, folder: Path, files: tuple[Checked, ...], n_classes: int) -> FileList:
    """The images of `files`, in their order."""
    labels, offsets, paths = list[np.ndarray](), list[np.ndarray](), list[bytes]()
    for name, md5 in files:
        data, content = _read(folder / name, md5)
        try:
            labels_N = _labels(content, facts.labels_key, n_classes)
            begin = _begin_of_pixels(content, data, len(labels_N))
        except ValueError as error:
            raise RequestError(f"{folder / name} cannot be read: {error}") from error
        labels.append(labels_N)
        offsets.append(begin + IMAGE_BYTES * np.arange(len(labels_N)))
        paths += [f"{name}/{i:05d}".encode() for i in range(len(labels_N))]
    file_N = np.repeat(np.arange(len(files)), list(map(len, labels)))
    ranges = ByteRanges(tuple(name for name, _ in files), file_N, np.concatenate(offsets), SHAPE)
    sizes_N = np.full(len(paths), IMAGE_BYTES)
    return FileList(str(folder), np.array(paths, dtype=bytes), np.concatenate(labels), sizes_N, ranges=ranges)


def _read(path: Path, md5: str) -> tuple[bytes, dict[bytes, Any]]:
    data = read_checked(path, md5)
    return data, read_pickle(data, path)


def _labels(content: dict[bytes, Any], key: bytes, n_classes: int) -> np.ndarray:
    labels = content.get(key)
    if not isinstance(labels, list) or not all(type(label) is int and 0 <= label < n_classes for label in labels):
        raise ValueError(f"it has no list {key.decode()!r} of numbers from 0 to {n_classes - 1}")
    return np.array(labels, dtype=np.int64)


def _begin_of_pixels(content: dict[bytes, Any], data: bytes, n_images: int) -> int:
    array = content.get(b"data")
    if not isinstance(array, PickledArray):
        raise ValueError("it has no array 'data'")
    layout = (array.shape, array.type_code, array.fortran_order, len(array.data))
    if layout != ((n_images, IMAGE_BYTES), b"u1", False, n_images * IMAGE_BYTES):
        raise ValueError(f"its array 'data' is not {n_images:,} x {IMAGE_BYTES:,} bytes, one row for each label")
    return offset_of(array, data)
