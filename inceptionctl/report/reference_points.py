"""Makes the points of convergence from a table's finished runs."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np

from inceptionctl.errors import InceptionctlError
from inceptionctl.report.environment import environment
from inceptionctl.report.metric_values import steps_to
from inceptionctl.report.results import ResultRow, read
from inceptionctl.runs.records.reference import Reference, ReferenceRow

LEAST_SEEDS = 10
ERROR = 10.0  # percent
OF_THE_PLACE = ("outputs=", "launch.")


def reference_of(folder: Path, error: float = ERROR, least: int = LEAST_SEEDS) -> Reference:
    """Of the rows that have `least` finished runs. Raises RequestError without a manifest, and InceptionctlError if no
    row has enough of them, or if those of a row were not evaluated at the same epochs."""
    table = read(folder)
    manifest = table.manifest
    rows = [row for row in table.rows if len(row.figures) >= least]
    if not rows:
        counts = ", ".join(f"{row.label}: {len(row.figures)}" for row in table.rows)
        raise InceptionctlError(f"{folder}: a reference needs {least} finished runs of a row; there are {counts}")
    facts = {fact.name: " and ".join(value for value, _ in fact.values) for fact in environment(table)}
    return Reference(
        table=manifest.table,
        setting=manifest.setting,
        command=without_place(manifest.command),
        made=", ".join(f"{name} {facts.get(name, 'unknown')}" for name in ("commit", "torch", "processor")),
        image_set=manifest.image_set,
        protocol=manifest.protocol,
        weights=manifest.weights,
        error=error,
        rows=[_row(folder, row, error) for row in rows],
    )


def without_place(command: str) -> str:
    """A command without the words that say where it ran, not what."""
    return shlex.join(word for word in shlex.split(command) if not word.startswith(OF_THE_PLACE))


def _row(folder: Path, row: ResultRow, error: float) -> ReferenceRow:
    curves = [one.curves for one in row.figures]
    epochs = curves[0].eval_epoch
    if not all(np.array_equal(one.eval_epoch, epochs) for one in curves):
        raise InceptionctlError(f"{folder}: the runs of {row.label} were evaluated at other epochs than the first run")
    return ReferenceRow(
        label=row.label,
        params=row.entry.params,
        macs=row.entry.macs,
        epochs=epochs.tolist(),
        steps=[steps_to(one, error) for one in curves],
        errors=[one.eval_error.tolist() for one in curves],
    )
