"""What a data set was found to hold: listed once when a run is planned, stored with it, and read by ranks and restarts.

Torch-free. An index is arrays and short texts: `to_arrays` gives what `numpy.savez` stores without pickling.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True, eq=False)
class FileList:
    """Image files of one split. `paths_N`: bytes, below `root`, as the file system has them; `labels_N`: class of each.

    Arrays, not lists of objects: forked workers would copy the pages of a list by counting references to its items.
    """

    root: str
    paths_N: np.ndarray
    labels_N: np.ndarray

    def __len__(self) -> int:
        return len(self.labels_N)

    def path(self, index: int) -> Path:
        return Path(self.root, os.fsdecode(self.paths_N[index]))

    def subset(self, chosen_N: np.ndarray) -> FileList:
        """The files that `chosen_N` selects: a mask or indices."""
        return FileList(self.root, self.paths_N[chosen_N], self.labels_N[chosen_N])


@dataclass(frozen=True, eq=False, kw_only=True)
class Index:
    """`n_train` and `n_eval` images in `classes`; `provenance` says which splits these are and what was left out;
    `fingerprint` is a digest of the user's own files, None for data that comes with a library.

    `dev`: a share of the training images is set apart to monitor training and to choose checkpoints by; otherwise the
    first evaluation images are monitored and nothing is chosen. `files`: by split, "train", "eval" and, with `dev`,
    "dev"; empty for a data set without files.
    """

    n_train: int
    n_eval: int
    classes: tuple[str, ...]
    provenance: str
    fingerprint: str | None
    dev: bool
    files: Mapping[str, FileList] = field(default_factory=dict)

    def to_arrays(self) -> dict[str, np.ndarray]:
        roots = {split: found.root for split, found in self.files.items()}
        facts = {
            key: getattr(self, key) for key in ("n_train", "n_eval", "classes", "provenance", "fingerprint", "dev")
        }
        arrays = {"facts": np.array(json.dumps(facts | {"roots": roots}))}
        for split, found in self.files.items():
            arrays |= {f"{split}.paths": found.paths_N, f"{split}.labels": found.labels_N}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Index:
        """The inverse of `to_arrays`; lists no folder and asks for no file's size."""
        facts = json.loads(str(arrays["facts"]))
        files = {
            split: FileList(root, arrays[f"{split}.paths"], arrays[f"{split}.labels"])
            for split, root in facts.pop("roots").items()
        }
        return cls(**facts | {"classes": tuple(facts["classes"])}, files=files)
