"""evaluations/: the figures of each evaluation as JSON, and what the network said of every image as NPZ beside it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inceptionctl.runs.arrays import read_arrays, write_arrays
from inceptionctl.runs.io import RecordError, read_record, write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.result import EvaluationRecord, EvaluationSummary

SCHEMA = 1  # of the NPZ


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
    arrays = read_arrays(path, SCHEMA)
    try:
        found = Predictions(**{field.name: arrays[field.name.rpartition("_")[0]] for field in fields(Predictions)})
    except KeyError as error:
        raise RecordError(f"{path} is incomplete: it has no {error.args[0]}") from error
    _check_same(path, found, record)
    return found


def _check_same(path: Path, found: Predictions, record: EvaluationRecord) -> None:
    counts = {len(getattr(found, field.name)) for field in fields(found)}
    if counts != {record.n_images}:
        raise RecordError(f"{path} is damaged: it has {sorted(counts)} images, not {record.n_images}")
    error = 100 * (1 - found.correct_N.mean())
    if abs(error - record.top1_error) > 1e-6:
        raise RecordError(f"{path} gives a top-1 error of {error:g} %, but its .json says {record.top1_error:g} %")
