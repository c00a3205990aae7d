"""index.npz in a run folder: the images that the run was planned with. Its ranks read it and list no folder."""

from __future__ import annotations

from inceptionctl.data.index import Index
from inceptionctl.runs.arrays import read_arrays, write_arrays
from inceptionctl.runs.io import RecordError
from inceptionctl.runs.paths import RunDir

SCHEMA = 1


def write_index(run: RunDir, index: Index) -> None:
    write_arrays(run.index, SCHEMA, index.to_arrays())


def read_index(run: RunDir, fingerprint: str | None) -> Index:
    """Raises RecordError for a file that is missing or damaged, or lists other images than those of `fingerprint`."""
    index = _read(run)
    train = index.files.get("train")
    found = train.digest(index.classes) if train else index.fingerprint
    if found != fingerprint:
        raise RecordError(f"{run.index} lists other images ({found}) than the run was planned with ({fingerprint})")
    return index


def holds_index(run: RunDir, index: Index) -> bool:
    """Whether the run folder has this index: the images to evaluate on may have changed since the run began."""
    try:
        stored = _read(run)
    except RecordError:
        return False
    return (stored.fingerprint, stored.eval_fingerprint) == (index.fingerprint, index.eval_fingerprint)


def _read(run: RunDir) -> Index:
    try:
        return Index.from_arrays(read_arrays(run.index, SCHEMA))
    except (KeyError, ValueError, TypeError) as error:
        raise RecordError(f"{run.index} is damaged: {error}") from error
