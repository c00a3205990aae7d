"""What one run left behind: its result, its predictions and its metrics, checked against each other."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inceptionctl.errors import InceptionctlError
from inceptionctl.runs.paths import RunDir, read_json, read_rows

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Curves:
    """A run over its epochs: the logged training loss, and top-1 error in percent at each evaluation."""

    train_epoch: Floats
    train_loss: Floats
    eval_epoch: Floats
    eval_error: Floats


@dataclass(frozen=True, kw_only=True)
class InverseRms:
    """1 / sqrt(v + eps), which RMSProp multiplies a gradient by: its mean over all elements of the parameters, and the
    1st and 99th percentile."""

    mean: float
    p1: float
    p99: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A finished run under the table's protocol and weights; errors in percent. `other_error`: top-1 error of the
    weights that the table does not use (raw for EMA, and the other way round), None if they were not evaluated.
    `inverse_rms`: as last logged, None for another optimizer than RMSProp."""

    top1_error: float
    top5_error: float
    other_error: float | None
    label: NDArray[np.int64]
    group: NDArray[np.int64]
    correct: NDArray[np.bool_]
    curves: Curves
    inverse_rms: InverseRms | None


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what a damaged file makes json or numpy raise into an InceptionctlError that names the file."""
    try:
        yield
    except KeyError as error:
        raise InceptionctlError(f"{path} is incomplete: it has no {error}") from error
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InceptionctlError(f"{path} is damaged: {error}") from error


def outcome(run: RunDir, protocol: str, weights: str) -> Outcome:
    """Raises InceptionctlError, which names the file, if one is missing or damaged, or if predictions and result
    disagree."""
    with reading(run.result):
        listed = read_json(run.result)["evaluations"]
        errors = {one["weights"]: one for one in listed if one["protocol"] == protocol}
        if weights not in errors:
            raise ValueError(f"no evaluation of the {weights} weights under protocol {protocol}")
        figures = errors.pop(weights)
        top1_error, top5_error = float(figures["top1_error"]), float(figures["top5_error"])
        other_error = next((float(one["top1_error"]) for one in errors.values()), None)
    path = run.predictions(protocol)
    with reading(path), path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        label, group = arrays["label"], arrays["group"]
        correct = arrays[f"{weights}_top5"][:, 0] == label
        if len(group) != len(label) or abs(100 * (1 - correct.mean()) - top1_error) > 1e-6:
            raise ValueError(f"it gives another top-1 error than the {top1_error} of {run.result.name}")
    with reading(run.metrics):
        rows = list(read_rows(run.metrics))
        curves, inverse_rms = _curves(rows, weights), _inverse_rms(rows)
    return Outcome(
        top1_error=top1_error,
        top5_error=top5_error,
        other_error=other_error,
        label=label,
        group=group,
        correct=correct,
        curves=curves,
        inverse_rms=inverse_rms,
    )


def _curves(rows: Sequence[dict[str, Any]], weights: str) -> Curves:
    train = [(row["epoch"], row["loss"]) for row in rows if row["kind"] == "train"]
    # One step may be tested on a subset and, at the end, on all images: the row with the most images counts.
    tests = sorted((row["epoch"], row["n_images"], row["top1_error"]) for row in rows if _is_test(row, weights))
    error = {epoch: top1_error for epoch, _, top1_error in tests}
    train_epoch, train_loss = np.array(train, dtype=float).reshape(-1, 2).T
    eval_epoch, eval_error = np.array(list(error.items()), dtype=float).reshape(-1, 2).T
    return Curves(train_epoch=train_epoch, train_loss=train_loss, eval_epoch=eval_epoch, eval_error=eval_error)


def _is_test(row: dict[str, Any], weights: str) -> bool:
    return bool(row["kind"] == "eval" and row["weights"] == weights)


def _inverse_rms(rows: Sequence[dict[str, Any]]) -> InverseRms | None:
    """Of the last step that it was logged for."""
    logged = [row for row in rows if row["kind"] == "optimizer"]
    if not logged:
        return None
    last = logged[-1]
    return InverseRms(mean=float(last["inv_rms_mean"]), p1=float(last["inv_rms_p1"]), p99=float(last["inv_rms_p99"]))
