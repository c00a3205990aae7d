"""index.npz in a run folder: the images that the run was planned with. Its ranks read it and list no folder."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated

import numpy as np
from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from inceptionctl.data.index import NO_LABEL, Index
from inceptionctl.files import FileError
from inceptionctl.runs.arrays import read_arrays, write_arrays
from inceptionctl.runs.io import RecordError
from inceptionctl.runs.paths import RunDir

SCHEMA = 1


class Facts(TypedDict):
    """What an index says beside its files."""

    n_train: Annotated[int, Field(ge=0)]  # 0 in the folder of an evaluation
    n_eval: Annotated[int, Field(ge=1)]
    classes: tuple[str, ...]
    provenance: str
    fingerprint: str | None
    eval_fingerprint: str | None
    dev: bool
    numbered: bool


FACTS = TypeAdapter(Facts)


def write_index(run: RunDir, index: Index) -> None:
    write_arrays(run.index, SCHEMA, index.to_arrays())


def read_index(run: RunDir, fingerprint: str | None) -> Index:
    """Raises RecordError for a file that is missing or damaged, or lists other images than those of `fingerprint`."""
    index = _read(run)
    if (found := _digest(index, "train", index.fingerprint)) != fingerprint:
        raise RecordError(f"{run.index} lists other images ({found}) than the run was planned with ({fingerprint})")
    if _digest(index, "eval", index.eval_fingerprint) != index.eval_fingerprint:
        raise RecordError(f"{run.index} is damaged: its evaluation images are not those of {index.eval_fingerprint}")
    return index


def _digest(index: Index, split: str, otherwise: str | None) -> str | None:
    files = index.files.get(split)
    return files.digest(index.classes) if files else otherwise


def holds_index(run: RunDir, index: Index) -> bool:
    """Whether the run folder has this index: the images to evaluate on may have changed since the run began."""
    try:
        stored = _read(run)
    except FileError:
        return False
    return (stored.fingerprint, stored.eval_fingerprint) == (index.fingerprint, index.eval_fingerprint)


def _read(run: RunDir) -> Index:
    arrays = read_arrays(run.index, SCHEMA)
    try:
        index = Index.from_arrays(arrays)
        _check(index)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise RecordError(f"{run.index} is damaged: {error}") from error
    return index


def _check(index: Index) -> None:
    """Raises ValueError for values of other types, and for files that do not belong together."""
    facts = {item.name: getattr(index, item.name) for item in fields(index) if item.name != "files"}
    FACTS.validate_python(facts, strict=True)
    for split, files in index.files.items():
        kinds = [files.paths_N.dtype.kind, files.labels_N.dtype.kind, files.sizes_N.dtype.kind]
        sizes = {array.shape for array in (files.paths_N, files.labels_N, files.sizes_N)}
        if kinds != ["S", "i", "i"] or len(sizes) != 1 or files.labels_N.ndim != 1 or not isinstance(files.root, str):
            raise ValueError(f"the files of {split} are no list of paths, labels and sizes")
        if len(files) and not 0 <= files.labels_N.min() <= files.labels_N.max() < len(index.classes):
            raise ValueError(f"a file of {split} is of none of the classes")
        if files.ranges:
            files.ranges.check(files.sizes_N)
        if files.label_sets_NL is not None:
            _check_label_sets(files.label_sets_NL, len(files), len(index.classes))


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
