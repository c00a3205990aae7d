"""index.npz in a run folder: the images that the run was planned with. Its ranks map it and list no folder."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from inceptionctl.data.index import Index
from inceptionctl.files import FileError
from inceptionctl.runs.arrays import map_arrays, write_to_map
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
    write_to_map(run.index, SCHEMA, index.to_arrays())


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
    arrays = map_arrays(run.index, SCHEMA)
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
        try:
            files.check(len(index.classes))
        except ValueError as error:
            raise ValueError(f"the images of {split}: {error}") from error
