"""The figures of one finished run, from its evaluations and its metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inceptionctl.report.outcomes import Outcomes
from inceptionctl.runs.damage import check_metrics, read_own_evaluation, read_result
from inceptionctl.runs.evaluations import OF_ERRORS, read_predictions
from inceptionctl.runs.io import RecordError
from inceptionctl.runs.metrics import read_metrics
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import ProtocolRecord
from inceptionctl.runs.records.metrics import EvalRow, MetricRow, OptimizerRow, TrainRow
from inceptionctl.runs.records.result import Result
from inceptionctl.runs.records.table import ManifestCell, TableManifest

Floats = NDArray[np.float64]
OTHER_WEIGHTS = {"ema": "raw", "raw": "ema"}


@dataclass(frozen=True, kw_only=True)
class Curves:
    """A run over its epochs and steps: the logged training loss, with seconds of work on the run, and top-1 error in
    percent at each evaluation."""

    train_epoch: Floats
    train_loss: Floats
    eval_epoch: Floats
    eval_error: Floats
    train_step: Floats
    train_time: Floats
    eval_step: Floats


NOTHING: Floats = np.empty(0)
NO_CURVES = Curves(
    train_epoch=NOTHING,
    train_loss=NOTHING,
    eval_epoch=NOTHING,
    eval_error=NOTHING,
    train_step=NOTHING,
    train_time=NOTHING,
    eval_step=NOTHING,
)


@dataclass(frozen=True, kw_only=True)
class InverseRms:
    """1 / sqrt(v + eps), which RMSProp multiplies a gradient by: its mean over all elements of the parameters, and the
    1st and 99th percentile."""

    mean: float
    p1: float
    p99: float


@dataclass(frozen=True, kw_only=True)
class RunFigures:
    """A finished run, or an ensemble, on the table's images, under the row's protocol and the table's weights; errors
    in percent. An ensemble has no curves. `other_error`: top-1 error of the weights that the table does not use, None
    if they were not evaluated. `inverse_rms`: as last logged, None for another optimizer than RMSProp. `unreadable`:
    training images, each once."""

    top1_error: float
    top5_error: float | None
    other_error: float | None
    predictions: Outcomes
    protocol: ProtocolRecord
    curves: Curves
    inverse_rms: InverseRms | None
    models: int = 1
    unreadable: int = 0


def run_figures(run: RunDir, cell: ManifestCell, table: TableManifest) -> RunFigures:
    """Raises RecordError, which names the file, if one is damaged or of another run, or if two contradict each other,
    and MissingFileError if the run was not evaluated as the table asks."""
    path = run.evaluation(table.image_set, table.protocol, table.weights)
    other = run.evaluation(table.image_set, table.protocol, OTHER_WEIGHTS[table.weights])
    result = read_result(run)
    if (result.identity, result.seed) != (cell.identity, cell.seed):
        found, asked = f"{result.identity}, seed {result.seed}", f"{cell.identity}, seed {cell.seed}"
        raise RecordError(f"{run.result} is of another run: {found}, and not {asked}")
    record, rows = read_own_evaluation(run, result, path), read_metrics(run.metrics)
    check_metrics(run, result, rows)
    return RunFigures(
        top1_error=record.top1_error,
        top5_error=record.top5_error,
        other_error=read_own_evaluation(run, result, other).top1_error if _lists(result, run, other) else None,
        predictions=Outcomes.of(read_predictions(path, record, OF_ERRORS)),
        protocol=record.protocol,
        curves=_curves(rows, table.weights),
        inverse_rms=_inverse_rms(rows),
        unreadable=result.unreadable_images.total if result.unreadable_images else 0,
    )


def _lists(result: Result, run: RunDir, path: Path) -> bool:
    return any(run.path / one.file == path for one in result.evaluations)


def _curves(rows: Sequence[MetricRow], weights: str) -> Curves:
    train = [(row.epoch, row.loss, row.step, row.time_s) for row in rows if isinstance(row, TrainRow)]
    seen = [row for row in rows if isinstance(row, EvalRow) and row.weights == weights and row.purpose != "selection"]
    # A step may be evaluated on a few images and, at the end, on all: the row with the most images counts.
    last = {row.epoch: (row.epoch, row.top1_error, row.step) for row in sorted(seen, key=_order)}
    train_epoch, train_loss, train_step, train_time = np.array(train, dtype=float).reshape(-1, 4).T
    eval_epoch, eval_error, eval_step = np.array(list(last.values()), dtype=float).reshape(-1, 3).T
    return Curves(
        train_epoch=train_epoch,
        train_loss=train_loss,
        eval_epoch=eval_epoch,
        eval_error=eval_error,
        train_step=train_step,
        train_time=train_time,
        eval_step=eval_step,
    )


def _order(row: EvalRow) -> tuple[float, int]:
    return row.epoch, row.n_images


def _inverse_rms(rows: Sequence[MetricRow]) -> InverseRms | None:
    last = next((row for row in reversed(rows) if isinstance(row, OptimizerRow)), None)
    return InverseRms(mean=last.inv_rms_mean, p1=last.inv_rms_p1, p99=last.inv_rms_p99) if last else None
