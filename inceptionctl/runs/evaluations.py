"""evaluations/: the figures of each evaluation as JSON, and what the network said of every image as NPZ beside it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inceptionctl.files import MissingFileError
from inceptionctl.runs.arrays import names_of_arrays, read_arrays, write_arrays
from inceptionctl.runs.io import RecordError, make_folder, read_record, write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import EvaluationRecord, EvaluationSummary
from inceptionctl.settings import MAX_PATH_BYTES

SCHEMA = 1  # of the NPZ
MAX_BYTES_PER_IMAGE = 256  # but for its path and the probabilities of all classes
MAX_HEADERS = 1 << 16
REQUIRED = ("label_N", "group_N", "top5_NK", "p_true_N")
OF_ERRORS = ("label", "labels", "group", "top5", "p_true")  # names in the file: what errors are counted from
KINDS = {"p_true": "f", "confidence": "f", "p": "f", "path": "S"}  # of numpy's dtypes; otherwise integers


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Per image: its class, its source (images of one source are not independent), the (up to) five likeliest classes,
    best first, and the probability of its class.

    All but the oldest have the probability of the likeliest class, the image's place in the set and, of files, its path
    below the set's `root`; on request, the probabilities of all classes (float16). With ReaL's labels, `labels_NL` has
    those that are right, padded with -1; `p_true_N` is then the probability of any of them, `label_N` the first. An
    image that could not be read and counts as wrong has top5_NK of -1 and p_true_N of 0.
    """

    label_N: NDArray[np.int64]
    group_N: NDArray[np.int64]
    top5_NK: NDArray[np.int64]
    p_true_N: NDArray[np.float32]
    confidence_N: NDArray[np.float32] | None = None
    index_N: NDArray[np.int64] | None = None
    path_N: NDArray[np.bytes_] | None = None
    labels_NL: NDArray[np.int64] | None = None
    p_NK: NDArray[np.float16] | None = None

    @property
    def correct_N(self) -> NDArray[np.bool_]:
        return self.hit_N(1)

    def hit_N(self, top: int) -> NDArray[np.bool_]:
        """Whether a right label is among the `top` likeliest classes."""
        labels_NL = self.label_N[:, None] if self.labels_NL is None else self.labels_NL
        hits_NKL = self.top5_NK[:, :top, None] == labels_NL[:, None, :]
        return np.asarray((hits_NKL & (labels_NL >= 0)[:, None, :]).any(axis=(1, 2)))


def write_evaluation(run: RunDir, record: EvaluationRecord, predictions: Predictions) -> EvaluationSummary:
    """Both files, the JSON last: what result.json says of them."""
    path = run.evaluation(record.image_set.name, record.protocol.name, record.weights)
    make_folder(path.parent)
    write_at(path, record, predictions)
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


def write_at(path: Path, record: EvaluationRecord, predictions: Predictions) -> None:
    """The record as `path`, after its arrays beside it."""
    values = {field.name: getattr(predictions, field.name) for field in fields(predictions)}
    arrays = {name.rpartition("_")[0]: array for name, array in values.items() if array is not None}
    write_arrays(path.with_suffix(".npz"), SCHEMA, arrays)
    write_record(path, record)


def read_evaluation(path: Path) -> EvaluationRecord:
    """Raises RecordError."""
    return read_record(path, EvaluationRecord)


def read_predictions(path: Path, record: EvaluationRecord, names: Collection[str] | None = None) -> Predictions:
    """The arrays beside the JSON at `path`, or those that the file has under `names`, the required ones among
    them. Raises RecordError if they are damaged or are not those of `record`."""
    path = path.with_suffix(".npz")
    try:
        arrays = read_arrays(path, SCHEMA, _limit(record), names)
    except MissingFileError as error:
        raise RecordError(f"{path} is missing: its .json is there") from error
    found = _from_arrays(path, arrays)
    _check_same(path, found, record)
    return found


def has_probabilities(path: Path) -> bool:
    """Whether those of all classes are stored beside the JSON at `path`. Raises RecordError for a damaged file, and
    MissingFileError."""
    return "p" in names_of_arrays(path.with_suffix(".npz"))


def _limit(record: EvaluationRecord) -> int:
    """Bytes, unpacked."""
    per_image = MAX_BYTES_PER_IMAGE + (MAX_PATH_BYTES if record.image_set.root else 0) + 2 * record.n_classes
    return per_image * record.n_images + MAX_HEADERS


def _from_arrays(path: Path, arrays: dict[str, np.ndarray]) -> Predictions:
    names = {field.name: field.name.rpartition("_")[0] for field in fields(Predictions)}
    if missing := next((name for name in map(names.get, REQUIRED) if name not in arrays), None):
        raise RecordError(f"{path} is incomplete: it has no {missing}")
    found: dict[str, Any] = {name: arrays[stored] for name, stored in names.items() if stored in arrays}
    return Predictions(**found)


def _check_same(path: Path, found: Predictions, record: EvaluationRecord) -> None:
    for field in fields(found):
        if (array := getattr(found, field.name)) is not None:
            _check_array(path, field.name, array, record.n_images)
    if not np.isfinite(found.p_true_N).all():
        raise RecordError(f"{path} is damaged: p_true is not finite")
    error = 100 * (1 - found.correct_N.mean())
    if abs(error - record.top1_error) > 1e-6:
        raise RecordError(f"{path} gives a top-1 error of {error:g} %, but its .json says {record.top1_error:g} %")


def _check_array(path: Path, name: str, array: np.ndarray, n_images: int) -> None:
    """Raises RecordError unless the array is of the kind that its name says: N images, K classes."""
    name, _, axes = name.rpartition("_")
    if array.dtype.kind != KINDS.get(name, "i") or array.ndim != len(axes) or len(array) != n_images or not array.size:
        found = f"{array.dtype} of {' x '.join(map(str, array.shape)) or 'no'} values"
        raise RecordError(f"{path} is damaged: {name} is {found}, and not of {n_images} images")
