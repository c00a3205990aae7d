"""A table's manifest with the figures of its runs: reads, and judges nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.papers.records import PaperCell, paper_cell
from inceptionctl.report.runs import OTHER_WEIGHTS, RunFigures, run_figures
from inceptionctl.runs.find import RunIndex
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import MANIFEST, RunDir
from inceptionctl.runs.records.table import ManifestRow, TableManifest
from inceptionctl.runs.state import run_state

FAILED = ("failed", "lost")  # states of a run


@dataclass(frozen=True, kw_only=True)
class ResultCell:
    """A row under one seed; only a cell that is done has figures."""

    seed: int
    status: Literal["done", "failed", "missing"]
    run: RunDir | None
    figures: RunFigures | None


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
    """`folder` holds the manifest; `quoted`: rows that the paper cites from elsewhere."""

    folder: Path
    manifest: TableManifest
    quoted: tuple[PaperCell, ...]
    rows: tuple[ResultRow, ...]

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
    """The table in `folder` with the runs of its cells, which are found by their identities. Raises RequestError if
    there is no manifest, and RecordError if a file is damaged or runs were not evaluated on the same images."""
    path = folder / MANIFEST
    if not path.is_file():
        raise RequestError(f"{folder} has no {MANIFEST}\n  run `inceptionctl ablate` first, or name a table's folder")
    manifest, index = read_record(path, TableManifest), RunIndex.of(folder.absolute().parent)
    labels = [None, *(entry.label for entry in manifest.rows)]
    above = labels if manifest.mode == "cumulative" else [entry.against for entry in manifest.rows]
    table = ResultTable(
        folder=folder,
        manifest=manifest,
        quoted=tuple(_printed(manifest, record) for record in manifest.quoted),
        rows=tuple(_row(manifest, entry, other, index) for entry, other in zip(manifest.rows, above, strict=False)),
    )
    _check_same_images(table)
    return table


def _row(manifest: TableManifest, entry: ManifestRow, against: str | None, index: RunIndex) -> ResultRow:
    added = manifest.mode == "cumulative" and entry.switch
    runs = {cell.seed: index.newest(cell.identity, partial(is_done, manifest)) for cell in entry.cells}
    return ResultRow(
        entry=entry,
        name=f"+ {entry.label}" if added else entry.label,
        against=against,
        printed=_printed(manifest, entry.paper) if entry.paper else PaperCell("", entry.label),
        cells=tuple(_cell(manifest, seed, run) for seed, run in runs.items()),
    )


def _printed(manifest: TableManifest, record: str) -> PaperCell:
    """The paper's figures: the manifest has those that papers.yaml has not."""
    own = {one.id: one for one in manifest.figures}
    return PaperCell(**asdict(own[record])) if record in own else paper_cell(record)


def is_done(manifest: TableManifest, run: RunDir) -> bool:
    """Finished, and evaluated on the table's images by its protocol."""
    return run.finished and run.evaluation(manifest.image_set, manifest.protocol, manifest.weights).is_file()


def _cell(manifest: TableManifest, seed: int, run: RunDir | None) -> ResultCell:
    if run and is_done(manifest, run):
        return ResultCell(seed=seed, status="done", run=run, figures=run_figures(run, manifest))
    failed = run is not None and run_state(run).state in FAILED
    return ResultCell(seed=seed, status="failed" if failed else "missing", run=run, figures=None)


def _check_same_images(table: ResultTable) -> None:
    done = [(cell.run, cell.figures.predictions) for _, cell in table.cells if cell.run and cell.figures]
    for run, found in done[1:]:
        first_run, first = done[0]
        same = np.array_equal(found.label_N, first.label_N) and np.array_equal(found.group_N, first.group_N)
        if not same:
            raise InceptionctlError(
                f"{run.path} was evaluated on other images than {first_run.path}: a table never mixes them"
            )
