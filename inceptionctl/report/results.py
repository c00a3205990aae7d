"""A table's manifest with the figures of its runs: reads, and judges nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.files import FileError
from inceptionctl.papers.records import PaperCell, paper_cell
from inceptionctl.report.cells import ResultCell, read_cell
from inceptionctl.report.outcomes import Outcomes
from inceptionctl.report.runs import OTHER_WEIGHTS, RunFigures
from inceptionctl.runs.drift import Drift, drift
from inceptionctl.runs.evaluation_index import EvaluationIndex
from inceptionctl.runs.find import RunIndex
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import MANIFEST, PLAN, RunDir
from inceptionctl.runs.records.declared import DeclaredPlan
from inceptionctl.runs.records.table import ManifestRow, TableManifest
from inceptionctl.runs.settings import read_settings
from inceptionctl.tables.table import TableRow

Row = TypeVar("Row", ManifestRow, TableRow)


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """`entry`: the row in the manifest; `name`: as printed; `against`: label of the row to compare with, if any;
    `compiled`: whether its runs went through torch.compile, None if that is not known."""

    entry: ManifestRow
    name: str
    against: str | None
    printed: PaperCell
    cells: tuple[ResultCell, ...]
    compiled: bool | None = None

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
    def mixes_compiled(self) -> bool:
        """Whether some rows were trained by torch.compile and others were not."""
        return {True, False} <= {row.compiled for row in self.rows}

    @cached_property
    def drift(self) -> list[Drift]:
        """In which versions the cells that are done differ."""
        done = {cell.run.path: cell.run for _, cell in self.cells if cell.run and cell.figures}
        return drift(done.values())

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
    manifest, images = read_record(path, TableManifest), _Images()
    index = EvaluationIndex(RunIndex.of_table(folder, manifest.found_in))
    table = ResultTable(
        folder=folder,
        manifest=manifest,
        quoted=tuple(_printed(manifest, record) for record in manifest.quoted),
        rows=tuple(
            _row(manifest, entry, other, index, images) for entry, other in compared(manifest.mode, manifest.rows)
        ),
        plan=read_record(folder / PLAN, DeclaredPlan) if os.path.lexists(folder / PLAN) else None,
    )
    for row in table.rows:
        _check_same_protocol(row)
    return table


def compared(mode: str, rows: Sequence[Row]) -> Iterator[tuple[Row, str | None]]:
    """Each row of a table or its manifest with the label of the one that it is compared with: that which it names, or,
    in a ladder, the row above that it builds on."""
    above: str | None = None
    for row in rows:
        on_a_ladder = mode == "cumulative" and not row.standalone
        yield row, row.against or (above if on_a_ladder else None)
        above = above if row.standalone else row.label


def compared_rows(mode: str, rows: Sequence[Row]) -> list[str]:
    """Labels of the rows that are compared with another, or another with them; of all if the table compares none."""
    pairs = [(row.label, other) for row, other in compared(mode, rows)]
    others = {other for _, other in pairs}
    return [label for label, other in pairs if other or label in others] or [label for label, _ in pairs]


def _row(
    manifest: TableManifest, entry: ManifestRow, against: str | None, index: EvaluationIndex, images: _Images
) -> ResultRow:
    builds_on_above = manifest.mode == "cumulative" and against and not entry.standalone
    cells = tuple(images.shared(read_cell(manifest, entry, cell, index)) for cell in entry.cells)
    return ResultRow(
        entry=entry,
        name=f"+ {entry.label}" if builds_on_above else entry.label,
        against=against,
        printed=_printed(manifest, entry.paper) if entry.paper else PaperCell("", entry.label),
        cells=cells,
        compiled=_is_compiled(entry, index.runs),
    )


def _printed(manifest: TableManifest, record: str) -> PaperCell:
    """The paper's figures: the manifest has those that papers.yaml has not."""
    own = {one.id: one for one in manifest.figures}
    return PaperCell(**asdict(own[record])) if record in own else paper_cell(record)


def _is_compiled(entry: ManifestRow, runs: RunIndex) -> bool | None:
    """As the first of its runs that has settings says: all of a row have the same."""
    for run in (run for cell in entry.cells for run in runs.newest_first(cell.identity)):
        with suppress(FileError):
            return bool(read_settings(run).get("train.compile"))
    return None


@dataclass
class _Images:
    """The images of the first cell that is done: those of all cells, whose arrays are kept once."""

    first: RunDir | None = None
    outcomes: Outcomes | None = None

    def shared(self, cell: ResultCell) -> ResultCell:
        """Raises InceptionctlError for a cell of other images."""
        if cell.figures is None or cell.run is None:
            return cell
        if self.first is None or self.outcomes is None:
            self.first, self.outcomes = cell.run, cell.figures.predictions
        if not (shared := cell.figures.predictions.sharing(self.outcomes)):
            raise InceptionctlError(
                f"{cell.run.path} was evaluated on other images than {self.first.path}: a table never mixes them"
            )
        return replace(cell, figures=replace(cell.figures, predictions=shared))


def _check_same_protocol(row: ResultRow) -> None:
    """Raises InceptionctlError for cells of one row that were evaluated in different ways. Versions of
    libraries do not count."""
    done = [(cell.run, cell.figures.protocol.without_versions) for cell in row.cells if cell.run and cell.figures]
    for run, protocol in done[1:]:
        first_run, first = done[0]
        if protocol != first:
            raise InceptionctlError(
                f"{run.path} was evaluated by another protocol than {first_run.path}: a row never mixes them\n"
                f"  {protocol.name} {protocol.settings}, and {first.name} {first.settings}"
            )
