"""A table's ledger with the outcomes of its runs: reads, and judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.papers.records import Printed, printed, unprinted
from inceptionctl.report.runs import Outcome, outcome, reading
from inceptionctl.runs.paths import RunDir, read_json


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One row under one seed; `status` is done, failed or missing, and only a done cell has an outcome."""

    seed: int
    status: str
    run: RunDir | None
    outcome: Outcome | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row: `params` and `macs` of the network run here, `full_` of the same at the paper's size; `against`: label of
    the row that it is compared with, if any; `name`: how it stands in the table."""

    label: str
    name: str
    against: str | None
    printed: Printed
    switch: str | None
    params: int
    macs: int
    full_params: int
    full_macs: int
    cells: tuple[Cell, ...]

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        return tuple(cell.outcome for cell in self.cells if cell.outcome)


@dataclass(frozen=True, kw_only=True)
class Override:
    """A value of the paper's recipe that the scale replaces."""

    key: str
    paper: str
    here: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """A ledger with the outcomes of its cells. `folder` holds the ledger; `chance_error`: of guessing, in percent; in a
    `cumulative` table, each row adds to the one above."""

    folder: Path
    name: str
    cumulative: bool
    title: str
    setting: str
    command: str
    metric: str
    weights: str
    protocol: str
    comparable: bool
    chance_error: float
    quoted: tuple[Printed, ...]
    rows: tuple[Row, ...]
    overrides: tuple[Override, ...]

    @property
    def other_weights(self) -> str:
        return "raw" if self.weights == "ema" else "ema"

    @property
    def cells(self) -> tuple[tuple[Row, Cell], ...]:
        return tuple((row, cell) for row in self.rows for cell in row.cells)


def read(folder: Path) -> Table:
    """Reads `folder/ledger.json` and the runs that it names. Raises RequestError if there is no ledger, and
    InceptionctlError, which names the file, if one is damaged or if runs were not tested on the same images."""
    path = folder / "ledger.json"
    if not path.is_file():
        raise RequestError(f"{folder} has no ledger.json\n  run `inceptionctl ablate` first, or name a table's folder")
    with reading(path):
        ledger = read_json(path)
        table = _table(folder, ledger)
    _check_mixed_images(table)
    return table


def _table(folder: Path, ledger: dict[str, Any]) -> Table:
    read_as = (ledger["protocol"], ledger["weights"])
    plain = ("title", "setting", "command", "metric", "weights", "protocol", "comparable", "chance_error")
    cumulative = ledger.get("mode", "cumulative") == "cumulative"
    above = [None, *(row["label"] for row in ledger["rows"])]
    compared = above if cumulative else [row["against"] for row in ledger["rows"]]
    rows = zip(ledger["rows"], compared, strict=False)
    return Table(
        folder=folder,
        name=ledger["table"],
        quoted=tuple(printed(record) for record in ledger["quoted"]),
        cumulative=cumulative,
        rows=tuple(_row(folder.parent, row, against, cumulative, *read_as) for row, against in rows),
        overrides=tuple(Override(**{key: str(value) for key, value in one.items()}) for one in ledger["overrides"]),
        **{key: ledger[key] for key in plain},
    )


def _row(outputs: Path, row: dict[str, Any], against: str | None, cumulative: bool, protocol: str, weights: str) -> Row:
    plain = ("label", "switch", "params", "macs", "full_params", "full_macs")
    return Row(
        name=f"+ {row['label']}" if cumulative and row["switch"] else row["label"],
        against=against,
        printed=printed(row["cell"]) if row["cell"] else unprinted(row["label"]),
        cells=tuple(_cell(outputs, cell, protocol, weights) for cell in row["cells"]),
        **{key: row[key] for key in plain},
    )


def _cell(outputs: Path, cell: dict[str, Any], protocol: str, weights: str) -> Cell:
    run = RunDir(outputs / cell["run"]) if cell["run"] else None
    status = _status(run, cell["status"])
    left = outcome(run, protocol, weights) if run and status == "done" else None
    return Cell(seed=cell["seed"], status=status, run=run, outcome=left)


def _status(run: RunDir | None, noted: str) -> str:
    """What the folder says now: the ledger of a table that is worked on elsewhere is older."""
    if noted == "missing" and run:
        return "done" if run.finished else "failed" if run.failed else "missing"
    return noted


def _check_mixed_images(table: Table) -> None:
    done = [
        (cell.run.predictions(table.protocol), cell.outcome) for _, cell in table.cells if cell.run and cell.outcome
    ]
    for path, one in done[1:]:
        first_path, first = done[0]
        if not (np.array_equal(one.label, first.label) and np.array_equal(one.group, first.group)):
            raise InceptionctlError(f"{path} holds other test images than {first_path}: a table never mixes them")
