"""The figures of one cell of a table: of its run, as the row is evaluated, or of its ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from inceptionctl.files import FileError, MissingFileError
from inceptionctl.report.outcomes import Outcomes
from inceptionctl.report.runs import NO_CURVES, RunFigures, run_figures
from inceptionctl.runs.damage import is_sound
from inceptionctl.runs.evaluation_index import EvaluationIndex, EvaluationKey
from inceptionctl.runs.evaluations import OF_ERRORS, read_evaluation, read_predictions
from inceptionctl.runs.io import RecordError
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.table import ManifestCell, ManifestRow, TableManifest
from inceptionctl.runs.state import run_state

FAILED = ("failed", "lost")  # states of a run
Status = Literal["done", "failed", "missing", "damaged", "not evaluated"]


@dataclass(frozen=True, kw_only=True)
class ResultCell:
    """A row under one seed; only a cell that is done has figures. `run`: the folder of its run, or of the evaluation of
    its ensemble; `reason`: which file of a damaged one cannot be used, and why. A cell whose runs are finished but were
    not evaluated as the row asks is "not evaluated"."""

    seed: int
    status: Status
    run: RunDir | None
    figures: RunFigures | None = None
    reason: str = ""


def read_cell(manifest: TableManifest, row: ManifestRow, cell: ManifestCell, index: EvaluationIndex) -> ResultCell:
    """By the newest run, or evaluation of an ensemble, that is finished, sound and of the table's images by the row's
    protocol."""
    by_row = replace(manifest, protocol=row.protocol or manifest.protocol)
    if cell.members:
        return _of_ensemble(by_row, cell, index)
    return _of_run(by_row, cell, index.runs.newest_first(cell.identity))


def _of_run(manifest: TableManifest, cell: ManifestCell, runs: Sequence[RunDir]) -> ResultCell:
    damaged = trained = None
    for run in runs:
        try:
            if run.finished:
                return ResultCell(seed=cell.seed, status="done", run=run, figures=run_figures(run, cell, manifest))
        except MissingFileError:
            trained = trained or ResultCell(seed=cell.seed, status="not evaluated", run=run)
        except FileError as error:
            damaged = damaged or ResultCell(seed=cell.seed, status="damaged", run=run, reason=str(error))
    return damaged or trained or _unfinished(cell, next(iter(runs), None))


def _of_ensemble(manifest: TableManifest, cell: ManifestCell, index: EvaluationIndex) -> ResultCell:
    key = EvaluationKey(tuple(cell.members), manifest.image_set, manifest.protocol, manifest.weights)
    folders = index.ensembles(key)
    damaged = None
    for run in folders:
        try:
            if run.finished:
                return ResultCell(seed=cell.seed, status="done", run=run, figures=_figures(run.outcome, key))
        except FileError as error:
            damaged = damaged or ResultCell(seed=cell.seed, status="damaged", run=run, reason=str(error))
    if damaged:
        return damaged
    for identity in cell.members:
        runs = index.runs.newest_first(identity)
        if not any(map(is_sound, runs)):
            return _unfinished(cell, next(iter(runs), None))
    begun = _unfinished(cell, next(iter(folders), None))
    return replace(begun, status="not evaluated") if begun.status == "missing" else begun


def _figures(path: Path, key: EvaluationKey) -> RunFigures:
    """Raises RecordError for a record that is damaged or of another evaluation."""
    record = read_evaluation(path)
    members = tuple(member.identity for member in record.members)
    if (members, record.image_set.name, record.protocol.name) != (key.identities, key.image_set, key.protocol):
        raise RecordError(f"{path} is of another evaluation than request.json beside it")
    return RunFigures(
        top1_error=record.top1_error,
        top5_error=record.top5_error,
        other_error=None,
        predictions=Outcomes.of(read_predictions(path, record, OF_ERRORS)),
        protocol=record.protocol,
        curves=NO_CURVES,
        inverse_rms=None,
        models=len(members),
    )


def _unfinished(cell: ManifestCell, run: RunDir | None) -> ResultCell:
    state = run_state(run) if run else None
    if state and state.state == "damaged":
        return ResultCell(seed=cell.seed, status="damaged", run=run, reason=state.damage)
    failed = state is not None and state.state in FAILED
    return ResultCell(seed=cell.seed, status="failed" if failed else "missing", run=run)
