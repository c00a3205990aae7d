"""What a data set was found to hold: listed once when a run is planned, stored with it, and read by ranks and restarts.

Torch-free. An index is arrays and short texts: `to_arrays` gives what `numpy.savez` stores without pickling.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from inceptionctl.data.byte_ranges import ByteRanges
from inceptionctl.files import read_bytes

MAX_IMAGE_BYTES = 1 << 30  # of one file
ARRAYS = ("paths", "labels", "sizes")  # of a FileList, in its order
LABEL_SETS = "label_sets"  # the fourth, of an evaluation by several labels an image
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
        """The bytes of an image. Raises FileError where they cannot be read."""
        if self.ranges:
            return self.ranges.read(self.root, index, int(self.sizes_N[index]))
        return read_bytes(self.path(index), MAX_IMAGE_BYTES)

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
        found = hashlib.sha256()
        for names in (map(os.fsencode, classes), self.paths_N.tolist()):
            found.update(b"\0".join(names) + b"\n")
        for numbers_N in (self.labels_N, self.sizes_N):
            found.update(numbers_N.astype("<i8").tobytes())
        if self.ranges and self.ranges.crc32_N is not None:
            found.update(b"crc32\n" + self.ranges.crc32_N.astype("<u4").tobytes())
        if self.label_sets_NL is not None:
            found.update(b"sets\n" + self.label_sets_NL.astype("<i8").tobytes())
        return found.hexdigest()[:12]


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
        roots = {split: found.root for split, found in self.files.items()}
        ranges = {split: found.ranges.facts for split, found in self.files.items() if found.ranges}
        arrays = {"facts": np.array(json.dumps(facts | {"roots": roots, "ranges": ranges}))}
        for split, found in self.files.items():
            arrays |= {f"{split}.{name}": getattr(found, f"{name}_N") for name in ARRAYS}
            if found.ranges:
                arrays |= found.ranges.to_arrays(split)
            if found.label_sets_NL is not None:
                arrays[f"{split}.{LABEL_SETS}"] = found.label_sets_NL
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Index:
        """The inverse of `to_arrays`; lists no folder and asks for no file's size."""
        facts = json.loads(str(arrays["facts"]))
        ranges = facts.pop("ranges", {})  # runs of earlier versions have none
        roots = facts.pop("roots")
        files = {split: FileList.of(root, split, arrays, ranges.get(split)) for split, root in roots.items()}
        return cls(**facts | {"classes": tuple(facts["classes"])}, files=files)
