"""A table's manifest with the figures of its runs: reads, and judges nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.files import FileError, MissingFileError
from inceptionctl.papers.records import PaperCell, paper_cell
from inceptionctl.report.runs import OTHER_WEIGHTS, RunFigures, run_figures
from inceptionctl.runs.find import RunIndex
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import MANIFEST, PLAN, RunDir
from inceptionctl.runs.records.declared import DeclaredPlan
from inceptionctl.runs.records.table import ManifestCell, ManifestRow, TableManifest
from inceptionctl.runs.state import run_state

FAILED = ("failed", "lost")  # states of a run


@dataclass(frozen=True, kw_only=True)
class ResultCell:
    """A row under one seed; only a cell that is done has figures. `reason`: which file of a damaged one cannot be used,
    and why."""

    seed: int
    status: Literal["done", "failed", "missing", "damaged"]
    run: RunDir | None
    figures: RunFigures | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """`entry`: the row in the manifest; `name`: as printed; `against`: label of the row to compare with, if any."""

    entry: ManifestRow
    name: str
    against: str | None
    printed: PaperCell
    cells: tuple[ResultCell, ...]

    @property
    def label(self) -> str:
        return self.entry.label

    @property
    def figures(self) -> tuple[RunFigures, ...]:
        """Of the cells that are done."""
        return tuple(cell.figures for cell in self.cells if cell.figures)


@dataclass(frozen=True, kw_only=True)
class ResultTable:
    """`folder` holds the manifest; `quoted`: rows that the paper cites from elsewhere; `plan`: what was declared before
    the runs."""

    folder: Path
    manifest: TableManifest
    quoted: tuple[PaperCell, ...]
    rows: tuple[ResultRow, ...]
    plan: DeclaredPlan | None = None

    @property
    def cumulative(self) -> bool:
        """Each row adds to the one above."""
        return self.manifest.mode == "cumulative"

    @property
    def other_weights(self) -> str:
        return OTHER_WEIGHTS[self.manifest.weights]

    @property
    def cells(self) -> tuple[tuple[ResultRow, ResultCell], ...]:
        return tuple((row, cell) for row in self.rows for cell in row.cells)


def read(folder: Path) -> ResultTable:
    """The table in `folder` with the runs of its cells, which are found by their identities, in the folder itself or
    else beside it. Raises RequestError if there is no manifest, and InceptionctlError if it is damaged or runs were not
    evaluated on the same images."""
    path = folder / MANIFEST
    if not os.path.lexists(path):
        raise RequestError(f"{folder} has no {MANIFEST}\n  run `inceptionctl ablate` first, or name a table's folder")
    manifest = read_record(path, TableManifest)
    index = RunIndex.of_table(folder, manifest.found_in)
    table = ResultTable(
        folder=folder,
        manifest=manifest,
        quoted=tuple(_printed(manifest, record) for record in manifest.quoted),
        rows=tuple(_row(manifest, entry, other, index) for entry, other in compared(manifest)),
        plan=read_record(folder / PLAN, DeclaredPlan) if os.path.lexists(folder / PLAN) else None,
    )
    _check_same_images(table)
    return table


def compared(manifest: TableManifest) -> Iterator[tuple[ManifestRow, str | None]]:
    """Each row with the label of the one that it is compared with: that which it names, or, in a ladder, the row above
    that it builds on."""
    above: str | None = None
    for entry in manifest.rows:
        on_a_ladder = manifest.mode == "cumulative" and not entry.standalone
        yield entry, entry.against or (above if on_a_ladder else None)
        above = above if entry.standalone else entry.label


def _row(manifest: TableManifest, entry: ManifestRow, against: str | None, index: RunIndex) -> ResultRow:
    added = manifest.mode == "cumulative" and entry.switch
    return ResultRow(
        entry=entry,
        name=f"+ {entry.label}" if added else entry.label,
        against=against,
        printed=_printed(manifest, entry.paper) if entry.paper else PaperCell("", entry.label),
        cells=tuple(_cell(manifest, cell, index.newest_first(cell.identity)) for cell in entry.cells),
    )


def _printed(manifest: TableManifest, record: str) -> PaperCell:
    """The paper's figures: the manifest has those that papers.yaml has not."""
    own = {one.id: one for one in manifest.figures}
    return PaperCell(**asdict(own[record])) if record in own else paper_cell(record)


def _cell(manifest: TableManifest, cell: ManifestCell, runs: Sequence[RunDir]) -> ResultCell:
    """By the newest run that is finished, sound and evaluated on the table's images by its protocol."""
    damaged = None
    for run in runs:
        try:
            if run.finished:
                return ResultCell(seed=cell.seed, status="done", run=run, figures=run_figures(run, cell, manifest))
        except MissingFileError:
            continue  # evaluated in another way only
        except FileError as error:
            damaged = damaged or ResultCell(seed=cell.seed, status="damaged", run=run, reason=str(error))
    return damaged or _unfinished(cell, next(iter(runs), None))


def _unfinished(cell: ManifestCell, run: RunDir | None) -> ResultCell:
    state = run_state(run) if run else None
    if state and state.state == "damaged":
        return ResultCell(seed=cell.seed, status="damaged", run=run, reason=state.damage)
    failed = state is not None and state.state in FAILED
    return ResultCell(seed=cell.seed, status="failed" if failed else "missing", run=run)


def _check_same_images(table: ResultTable) -> None:
    done = [(cell.run, cell.figures.predictions) for _, cell in table.cells if cell.run and cell.figures]
    for run, found in done[1:]:
        first_run, first = done[0]
        same = np.array_equal(found.label_N, first.label_N) and np.array_equal(found.group_N, first.group_N)
        if not same:
            raise InceptionctlError(
                f"{run.path} was evaluated on other images than {first_run.path}: a table never mixes them"
            )
