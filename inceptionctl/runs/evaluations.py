"""evaluations/: the figures of each evaluation as JSON, and what the network said of every image as NPZ beside it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inceptionctl.files import MissingFileError
from inceptionctl.runs.arrays import read_arrays, write_arrays
from inceptionctl.runs.io import RecordError, make_folder, read_record, write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.result import EvaluationRecord, EvaluationSummary

SCHEMA = 1  # of the NPZ
MAX_BYTES_PER_IMAGE = 128
MAX_HEADERS = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Per image: its class, its source (images of one source are not independent), the (up to) five likeliest classes,
    best first, and the probability of its class."""

    label_N: NDArray[np.int64]
    group_N: NDArray[np.int64]
    top5_NK: NDArray[np.int64]
    p_true_N: NDArray[np.float32]

    @property
    def correct_N(self) -> NDArray[np.bool_]:
        return np.asarray(self.top5_NK[:, 0] == self.label_N)


def write_evaluation(run: RunDir, record: EvaluationRecord, predictions: Predictions) -> EvaluationSummary:
    """Both files, the JSON last: what result.json says of them."""
    path = run.evaluation(record.image_set.name, record.protocol.name, record.weights)
    make_folder(path.parent)
    arrays = {field.name.rpartition("_")[0]: getattr(predictions, field.name) for field in fields(predictions)}
    write_arrays(path.with_suffix(".npz"), SCHEMA, arrays)
    write_record(path, record)
    return EvaluationSummary(
        file=path.relative_to(run.path).as_posix(),
        image_set=record.image_set.name,
        protocol=record.protocol.name,
        weights=record.weights,
        n_images=record.n_images,
        top1_error=record.top1_error,
        top5_error=record.top5_error,
        nll=record.nll,
    )


def read_evaluation(path: Path) -> EvaluationRecord:
    """Raises RecordError."""
    return read_record(path, EvaluationRecord)


def read_predictions(path: Path, record: EvaluationRecord) -> Predictions:
    """The arrays beside the JSON at `path`. Raises RecordError if they are damaged or are not those of `record`."""
    path = path.with_suffix(".npz")
    try:
        arrays = read_arrays(path, SCHEMA, MAX_BYTES_PER_IMAGE * record.n_images + MAX_HEADERS)
    except MissingFileError as error:
        raise RecordError(f"{path} is missing: its .json is there") from error
    try:
        found = Predictions(**{field.name: arrays[field.name.rpartition("_")[0]] for field in fields(Predictions)})
    except KeyError as error:
        raise RecordError(f"{path} is incomplete: it has no {error.args[0]}") from error
    _check_same(path, found, record)
    return found


def _check_same(path: Path, found: Predictions, record: EvaluationRecord) -> None:
    for field in fields(found):
        _check_array(path, field.name, getattr(found, field.name), record.n_images)
    if not np.isfinite(found.p_true_N).all():
        raise RecordError(f"{path} is damaged: p_true is not finite")
    error = 100 * (1 - found.correct_N.mean())
    if abs(error - record.top1_error) > 1e-6:
        raise RecordError(f"{path} gives a top-1 error of {error:g} %, but its .json says {record.top1_error:g} %")


def _check_array(path: Path, name: str, array: np.ndarray, n_images: int) -> None:
    """Raises RecordError unless the array is of the kind that its name says: N images, K classes."""
    name, _, axes = name.rpartition("_")
    kind = "f" if name == "p_true" else "i"
    if array.dtype.kind != kind or array.ndim != len(axes) or len(array) != n_images or not array.size:
        found = f"{array.dtype} of {' x '.join(map(str, array.shape)) or 'no'} values"
        raise RecordError(f"{path} is damaged: {name} is {found}, and not of {n_images} images")
