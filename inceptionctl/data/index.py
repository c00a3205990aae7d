"""What a data set was found to hold: listed once when a run is planned, stored with it, and mapped by its ranks.

Torch-free. An index is arrays and short texts: `to_arrays` gives what `numpy.savez` stores without pickling.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from inceptionctl.data.byte_ranges import ByteRanges, size_differs
from inceptionctl.files import FileError, read_bytes

MAX_IMAGE_BYTES = 1 << 30  # of one file
ARRAYS = ("paths", "labels", "sizes")  # of a FileList, in its order
LABEL_SETS = "label_sets"  # the fourth, of an evaluation by several labels an image
AT_ONCE = 1 << 16  # paths that are made objects to digest them
NO_LABEL = -1  # fills the rows of `label_sets_NL` that have fewer labels than others


@dataclass(frozen=True, eq=False)
class FileList:
    """Images of one split. `paths_N`: bytes, below `root`, as the file system has them; `labels_N`: class of each;
    `sizes_N`: in bytes. `label_sets_NL`: where an image may have several right classes, all of them, padded with
    NO_LABEL; `labels_N` is then the one that its folder or list states. `ranges`: of images that are no files of their
    own but lie in larger ones; `paths_N` are then their names.

    Arrays, not lists of objects: forked workers would copy the pages of a list by counting references to its items.
    """

    root: str
    paths_N: np.ndarray
    labels_N: np.ndarray
    sizes_N: np.ndarray
    label_sets_NL: np.ndarray | None = None
    ranges: ByteRanges | None = None

    @classmethod
    def of(cls, root: str, split: str, arrays: Mapping[str, np.ndarray], ranges: Mapping[str, Any] | None) -> FileList:
        """From the arrays of a stored index; `ranges` as `ByteRanges.facts`."""
        paths_N, labels_N, sizes_N = (arrays[f"{split}.{name}"] for name in ARRAYS)
        found = ByteRanges.of(ranges, split, arrays) if ranges else None
        return cls(root, paths_N, labels_N, sizes_N, arrays.get(f"{split}.{LABEL_SETS}"), found)

    def __len__(self) -> int:
        return len(self.labels_N)

    def path(self, index: int) -> Path:
        """The file of an image, or the larger one that it lies in."""
        name = self.ranges.file(index) if self.ranges else os.fsdecode(self.paths_N[index])
        return Path(self.root, name)

    def name(self, index: int) -> str:
        """An image in messages: its path, with its name in the larger file that it lies in."""
        path = str(self.path(index))
        return f"{path}: {os.fsdecode(self.paths_N[index])}" if self.ranges else path

    def read(self, index: int) -> bytes:
        """The bytes of an image. Raises FileError where they cannot be read, and for a file of another size than it had
        when the images were listed: it is another image than the run was planned with."""
        size = int(self.sizes_N[index])
        if self.ranges:
            return self.ranges.read(self.root, index, size)
        path = self.path(index)
        data = read_bytes(path, MAX_IMAGE_BYTES)
        if len(data) != size:
            raise FileError(f"{path} cannot be read: {size_differs(len(data), size)}")
        return data

    def subset(self, chosen_N: np.ndarray) -> FileList:
        """The images that `chosen_N` selects: a mask or indices."""
        return replace(
            self,
            paths_N=self.paths_N[chosen_N],
            labels_N=self.labels_N[chosen_N],
            sizes_N=self.sizes_N[chosen_N],
            label_sets_NL=None if self.label_sets_NL is None else self.label_sets_NL[chosen_N],
            ranges=self.ranges and self.ranges.subset(chosen_N),
        )

    def counts(self, classes: tuple[str, ...]) -> np.ndarray:
        """The images of each class, (classes,)."""
        return np.bincount(self.labels_N, minlength=len(classes))

    def digest(self, classes: tuple[str, ...]) -> str:
        """Twelve hexadecimal digits over `classes` and the path or name, label or labels, and size of every image. The
        place in a larger file does not count: the same images in folders and in an archive have one digest. Checksums
        count where they are known."""
        found = hashlib.sha256(b"\0".join(map(os.fsencode, classes)) + b"\n")
        for part in self._joined_paths():
            found.update(part)
        for numbers_N in (self.labels_N, self.sizes_N):
            found.update(numbers_N.astype("<i8").tobytes())
        if self.ranges and self.ranges.crc32_N is not None:
            found.update(b"crc32\n" + self.ranges.crc32_N.astype("<u4").tobytes())
        if self.label_sets_NL is not None:
            found.update(b"sets\n" + self.label_sets_NL.astype("<i8").tobytes())
        return found.hexdigest()[:12]

    def _joined_paths(self) -> Iterator[bytes]:
        """With a NUL between them. A part at a time: a million objects would stay in the memory of a rank, and of each
        process that it forks."""
        for begin in range(0, len(self.paths_N), AT_ONCE):
            yield (b"\0" if begin else b"") + b"\0".join(self.paths_N[begin : begin + AT_ONCE].tolist())
        yield b"\n"

    def check(self, n_classes: int) -> None:
        """Raises ValueError for arrays that do not belong together, and for a label that is none of the classes."""
        kinds = [self.paths_N.dtype.kind, self.labels_N.dtype.kind, self.sizes_N.dtype.kind]
        sizes = {array.shape for array in (self.paths_N, self.labels_N, self.sizes_N)}
        if kinds != ["S", "i", "i"] or len(sizes) != 1 or self.labels_N.ndim != 1 or not isinstance(self.root, str):
            raise ValueError("they are no list of paths, labels and sizes")
        if len(self) and not 0 <= self.labels_N.min() <= self.labels_N.max() < n_classes:
            raise ValueError("one is of none of the classes")
        if self.ranges:
            self.ranges.check(self.sizes_N)
        if self.label_sets_NL is not None:
            _check_label_sets(self.label_sets_NL, len(self), n_classes)


def places_of(files: Mapping[str, FileList]) -> dict[str, Any]:
    """What the arrays of splits do not say, for JSON: `roots`, and `ranges` of those that lie in larger files."""
    return {
        "roots": {split: found.root for split, found in files.items()},
        "ranges": {split: found.ranges.facts for split, found in files.items() if found.ranges},
    }


def arrays_of(files: Mapping[str, FileList]) -> dict[str, np.ndarray]:
    arrays = dict[str, np.ndarray]()
    for split, found in files.items():
        arrays |= {f"{split}.{name}": getattr(found, f"{name}_N") for name in ARRAYS}
        if found.ranges:
            arrays |= found.ranges.to_arrays(split)
        if found.label_sets_NL is not None:
            arrays[f"{split}.{LABEL_SETS}"] = found.label_sets_NL
    return arrays


def files_of(
    arrays: Mapping[str, np.ndarray], roots: Mapping[str, str], ranges: Mapping[str, Mapping[str, Any]]
) -> dict[str, FileList]:
    """The inverse of `arrays_of` and `places_of`."""
    return {split: FileList.of(root, split, arrays, ranges.get(split)) for split, root in roots.items()}


def _check_label_sets(sets_NL: np.ndarray, n_files: int, n_classes: int) -> None:
    """Raises ValueError unless each file has a label, and its labels are classes, each once."""
    if sets_NL.dtype.kind != "i" or sets_NL.ndim != 2 or len(sets_NL) != n_files:
        raise ValueError("the sets of labels are not one for each file")
    sorted_NL = np.sort(sets_NL, axis=1)
    twice = (sorted_NL[:, 1:] == sorted_NL[:, :-1]) & (sorted_NL[:, 1:] != NO_LABEL)
    if not (sets_NL != NO_LABEL).any(axis=1).all() or twice.any() or not sets_NL.min(initial=0) >= -1:
        raise ValueError("a file has no label, or one twice")
    if sets_NL.max(initial=0) >= n_classes:
        raise ValueError("a file has a label that is none of the classes")


@dataclass(frozen=True, eq=False, kw_only=True)
class Index:
    """`n_train` and `n_eval` images in `classes`; `provenance` says which splits these are and what was left out;
    `fingerprint` is the digest of the user's own training files and belongs to a run's identity, `eval_fingerprint`
    that of the evaluation files; None for data that comes with a library.

    `dev`: a share of the training images is set apart to monitor training and to choose checkpoints by; otherwise the
    first evaluation images are monitored and nothing is chosen. `files`: by split, "train", "eval" and, with `dev`,
    "dev"; empty for a data set without files. `numbered`: the classes are no names but the numbers of a list of labels,
    class indices of the network that is evaluated.
    """

    n_train: int
    n_eval: int
    classes: tuple[str, ...]
    provenance: str
    fingerprint: str | None
    eval_fingerprint: str | None
    dev: bool
    files: Mapping[str, FileList] = field(default_factory=dict)
    numbered: bool = False

    def evaluated_on(self, files: FileList, *notes: str, classes: tuple[str, ...] | None = None) -> Index:
        """An index of `files` alone, to evaluate on. `notes` are added to the provenance; `classes` replace the present
        ones."""
        classes = self.classes if classes is None else classes
        return replace(
            self,
            n_train=0,
            n_eval=len(files),
            classes=classes,
            provenance="; ".join([self.provenance, *notes]),
            fingerprint=None,
            eval_fingerprint=files.digest(classes),
            dev=False,
            files={"eval": files},
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        facts = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "files"}
        return {"facts": np.array(json.dumps(facts | places_of(self.files))), **arrays_of(self.files)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Index:
        """The inverse of `to_arrays`; lists no folder and asks for no file's size."""
        facts = json.loads(str(arrays["facts"]))
        ranges = facts.pop("ranges", {})  # runs of earlier versions have none
        files = files_of(arrays, facts.pop("roots"), ranges)
        return cls(**facts | {"classes": tuple(facts["classes"])}, files=files)
