"""The cells of a table as the page shows them: figure, run folder, time, confusion and calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

import numpy as np

from inceptionctl.evaluation.calibration import (
    ReliabilityBin,
    expected_calibration_error,
    overconfidence,
    reliability,
)
from inceptionctl.evaluation.confusion import ConfusedPair, confused_pairs, confusion
from inceptionctl.files import FileError
from inceptionctl.report.cells import ResultCell
from inceptionctl.report.footnotes import relative
from inceptionctl.report.page.uri import csv_uri
from inceptionctl.report.results import ResultRow, ResultTable
from inceptionctl.runs.damage import read_result
from inceptionctl.runs.evaluations import Predictions, read_evaluation, read_predictions

MOST_CLASSES = 12  # of a matrix that is shown whole
MOST_PAIRS = 10
MOST_CELLS = 60  # with details, each


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Counts of (class, predicted class), with the names of the classes."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """In percent and points; `bins` are those of the expected calibration error."""

    ece: float
    confidence: float
    overconfidence: float
    bins: tuple[ReliabilityBin, ...]
    csv: str


@dataclass(frozen=True, kw_only=True)
class CellView:
    """`link`: of the run folder, or of the log if it failed; `matrix` is None with many classes; `calibration` is None
    where the evaluation has no confidences."""

    row: str
    seed: int
    status: str
    link: str | None
    error: float | None
    seconds: float | None
    images_per_s: float | None
    n_images: int = 0
    matrix: Matrix | None = None
    pairs: tuple[tuple[str, str, ConfusedPair], ...] = ()
    csv: str = ""
    calibration: Calibration | None = None


def cell_views(table: ResultTable) -> list[CellView]:
    """Of every cell; with confusion and calibration, or, of a table of many cells, with those of each row's first."""
    shown = table.cells if len(table.cells) <= MOST_CELLS else [(row, row.cells[0]) for row in table.rows if row.cells]
    detailed = {(row.label, cell.seed) for row, cell in shown}
    return [_view(table, row, cell, whole=(row.label, cell.seed) in detailed) for row, cell in table.cells]


def _view(table: ResultTable, row: ResultRow, cell: ResultCell, *, whole: bool) -> CellView:
    link = None
    if cell.run:
        link = quote(relative(cell.run.log() if cell.status == "failed" else cell.run.path, table.folder))
    seconds, rate, classes = _of_result(cell)
    view = CellView(
        row=row.label,
        seed=cell.seed,
        status=cell.status,
        link=link,
        error=cell.figures.top1_error if cell.figures else None,
        seconds=seconds,
        images_per_s=rate,
    )
    found = _predictions(table, row, cell) if whole else None
    return _with_predictions(view, found, classes) if found else view


def _predictions(table: ResultTable, row: ResultRow, cell: ResultCell) -> Predictions | None:
    if cell.figures is None or cell.run is None:
        return None
    manifest = table.manifest
    protocol = row.entry.protocol or manifest.protocol
    path = cell.run.evaluation(manifest.image_set, protocol, manifest.weights)
    path = cell.run.outcome if cell.run.is_evaluation else path
    try:
        return read_predictions(path, read_evaluation(path))
    except FileError:  # it has been removed since the table was read
        return None


def _of_result(cell: ResultCell) -> tuple[float | None, float | None, Sequence[str]]:
    """Seconds, images per second and names of classes; none of a run that has no result."""
    if not cell.figures or not cell.run:
        return None, None, ()
    try:
        result = read_result(cell.run)
    except FileError:  # the cell is an evaluation of its own
        return None, None, ()
    return result.wall_s, result.images_per_s, result.classes


def _with_predictions(view: CellView, found: Predictions, classes: Sequence[str]) -> CellView:
    names = _names(found, classes)
    several_N = np.zeros(len(found.label_N), bool)
    if found.labels_NL is not None:
        several_N = np.asarray((found.labels_NL >= 0).sum(axis=1) > 1)
    counted = confusion(found.label_N, found.top5_NK[:, 0], len(names), several_N)
    pairs = confused_pairs(counted)
    matrix = None
    if len(names) <= MOST_CLASSES:
        counts_KK = counted.matrix(np.arange(len(names)))
        matrix = Matrix(classes=names, counts=tuple(map(tuple, counts_KK.tolist())))
    named = [(names[one.truth], names[one.predicted], one) for one in pairs]
    lines: list[list[object]] = [["class", "taken_for", "images"]]
    lines += [[truth, predicted, one.images] for truth, predicted, one in named]
    return replace(
        view,
        n_images=len(found.label_N),
        matrix=matrix,
        pairs=tuple(named[:MOST_PAIRS]),
        csv=csv_uri(lines),
        calibration=_calibration(found),
    )


def _names(found: Predictions, classes: Sequence[str]) -> tuple[str, ...]:
    """The names that the run has, and the index of a class without one."""
    n = max(len(classes), int(found.label_N.max()) + 1, int(found.top5_NK.max()) + 1)
    return tuple(classes[k] if k < len(classes) else str(k) for k in range(n))


def _calibration(found: Predictions) -> Calibration | None:
    read_N = found.top5_NK[:, 0] >= 0
    if found.confidence_N is None or not read_N.any():
        return None
    confidence_N, correct_N = found.confidence_N[read_N], found.correct_N[read_N]
    bins = reliability(confidence_N, correct_N, found.group_N[read_N])
    lines: list[list[object]] = [["confidence", "accuracy", "low", "high", "images"]]
    lines += [[b.confidence, b.accuracy.percent, b.accuracy.low, b.accuracy.high, b.accuracy.n_images] for b in bins]
    return Calibration(
        ece=expected_calibration_error(confidence_N, correct_N),
        confidence=float(100 * confidence_N.astype(np.float64).mean()),
        overconfidence=overconfidence(confidence_N, correct_N),
        bins=tuple(bins),
        csv=csv_uri(lines),
    )
