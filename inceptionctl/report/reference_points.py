"""Makes the points of convergence from a table's finished runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from inceptionctl.errors import InceptionctlError
from inceptionctl.report.metric_values import steps_to
from inceptionctl.report.results import ResultRow, read
from inceptionctl.runs.records.reference import Reference, ReferenceRow

LEAST_SEEDS = 10
ERROR = 10.0  # percent


def reference_of(folder: Path, error: float = ERROR, least: int = LEAST_SEEDS) -> Reference:
    """Of the rows that have `least` finished runs. Raises RequestError without a manifest, and InceptionctlError if no
    row has enough of them, or if they were not evaluated at the same epochs."""
    table = read(folder)
    manifest = table.manifest
    rows = [row for row in table.rows if len(row.figures) >= least]
    if not rows:
        counts = ", ".join(f"{row.label}: {len(row.figures)}" for row in table.rows)
        raise InceptionctlError(f"{folder}: a reference needs {least} finished runs of a row; there are {counts}")
    epochs = rows[0].figures[0].curves.eval_epoch
    return Reference(
        table=manifest.table,
        setting=manifest.setting,
        command=manifest.command,
        image_set=manifest.image_set,
        protocol=manifest.protocol,
        weights=manifest.weights,
        error=error,
        epochs=epochs.tolist(),
        rows=[_row(folder, row, epochs, error) for row in rows],
    )


def _row(folder: Path, row: ResultRow, epochs: np.ndarray, error: float) -> ReferenceRow:
    curves = [one.curves for one in row.figures]
    if not all(np.array_equal(one.eval_epoch, epochs) for one in curves):
        raise InceptionctlError(f"{folder}: the runs of {row.label} were evaluated at other epochs than the first run")
    return ReferenceRow(
        label=row.label,
        params=row.entry.params,
        macs=row.entry.macs,
        steps=[steps_to(one, error) for one in curves],
        errors=[one.eval_error.tolist() for one in curves],
    )
