"""Collects images that lie in tars into a list of files, without an object for each image."""

from __future__ import annotations

import os
import re
from array import array
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from inceptionctl.data.byte_ranges import ByteRanges
from inceptionctl.data.decode import suffixes
from inceptionctl.data.index import FileList
from inceptionctl.data.listing import as_text
from inceptionctl.data.tar_files import Member
from inceptionctl.errors import RequestError

# A terminal obeys such characters. Names of members are not escaped everywhere, as class names are.
CONTROL = re.compile(rb"[\x00-\x1f\x7f]|\xc2[\x80-\x9f]")
CONTROL_IN_NAME = "file with control characters in its name"


def _integers() -> array[int]:
    return array("q")


@dataclass(frozen=True, eq=False)
class TarImages:
    """Images in `tars`, paths below `root`; by image its name, its class, its tar and its place there."""

    root: Path
    tars: tuple[str, ...]
    names: list[bytes] = field(default_factory=list)
    labels: array[int] = field(default_factory=_integers)
    tar_indices: array[int] = field(default_factory=_integers)
    offsets: array[int] = field(default_factory=_integers)
    sizes: array[int] = field(default_factory=_integers)

    def add(self, name: bytes, label: int, tar: int, place: Member) -> None:
        self.names.append(name)
        for values, value in (
            (self.labels, label),
            (self.tar_indices, tar),
            (self.offsets, place.offset),
            (self.sizes, place.size),
        ):
            values.append(value)

    def files(self) -> FileList:
        """In the order in which they were added."""
        labels_N, tar_N, offset_N, sizes_N = map(_as_numpy, (self.labels, self.tar_indices, self.offsets, self.sizes))
        ranges = ByteRanges(self.tars, tar_N, offset_N, lengths=tuple(_length(self.root / tar) for tar in self.tars))
        return FileList(str(self.root), np.array(self.names, dtype=bytes), labels_N, sizes_N, ranges=ranges)

    def sorted_files(self) -> FileList:
        """By class and name, as in class folders. Raises RequestError for a name that a class has twice."""
        files = self.files()
        ordered = files.subset(np.lexsort((files.paths_N, files.labels_N)))
        twice_N = (ordered.paths_N[1:] == ordered.paths_N[:-1]) & (ordered.labels_N[1:] == ordered.labels_N[:-1])
        if twice_N.any():
            i = int(np.flatnonzero(twice_N)[0])
            raise RequestError(f"{as_text(ordered.name(i))} is there twice\n  is one tar packed into the other?")
        return ordered


def base_name(name: bytes) -> bytes:
    return name.rpartition(b"/")[2]


def kind_of(member: Member) -> str:
    """What a member is by its name and size: "" for an image, otherwise what a message counts it as."""
    name = base_name(member.name)
    if name.startswith(b"."):
        return "hidden"
    if CONTROL.search(member.name):
        return CONTROL_IN_NAME
    suffix = _suffix(name)
    if suffix not in suffixes():
        return suffix or "no suffix"
    return "" if member.size else "file of 0 bytes"


def is_image_suffix(suffix: bytes) -> bool:
    """Whether Pillow reads files of this suffix, such as b"jpg"."""
    return _is_image_suffix(suffix[:10])


@cache
def _is_image_suffix(suffix: bytes) -> bool:
    return "." + suffix.decode("latin-1").lower() in suffixes()


def _suffix(name: bytes) -> str:
    return as_text(os.path.splitext(os.fsdecode(name))[1].lower())


def _length(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}") from error


def _as_numpy(values: array[int]) -> np.ndarray:
    return np.frombuffer(values, dtype=np.int64).copy() if values else np.empty(0, np.int64)
