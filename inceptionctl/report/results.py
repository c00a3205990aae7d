"""What a table's runs left behind: reads the ledger and the run folders, judges nothing."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.papers import Printed, printed
from inceptionctl.rundir import RunDir, read_json, read_rows

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Curves:
    """A run over its epochs: the logged training loss, and top-1 error in percent at each evaluation."""

    train_epoch: Floats
    train_loss: Floats
    eval_epoch: Floats
    eval_error: Floats


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A finished run under the table's protocol and weights; errors in percent. `other_error`: top-1 error of the
    weights that the table does not use (raw for EMA, and the other way round), None if they were not evaluated."""

    top1_error: float
    top5_error: float
    other_error: float | None
    label: NDArray[np.int64]
    group: NDArray[np.int64]
    correct: NDArray[np.bool_]
    curves: Curves


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One row under one seed; `status` is done, failed or missing, and only a done cell has an outcome."""

    seed: int
    status: str
    run: RunDir | None
    outcome: Outcome | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A rung of the ladder. `params` and `macs` are those of the network run here, `full_` those of the paper's size."""

    label: str
    printed: Printed
    switch: str | None
    params: int
    macs: int
    full_params: int
    full_macs: int
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        return f"+ {self.label}" if self.switch else self.label

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
    """A ledger with the outcomes of its cells. `folder` holds the ledger; `chance_error` is in percent."""

    folder: Path
    name: str
    title: str
    scale: str
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
        raise RequestError(f"{folder} holds no ledger.json\n  run `inceptionctl ablate` first, or name the folder of a table")
    with _reading(path):
        ledger = read_json(path)
        table = _table(folder, ledger)
    _refuse_mixed_images(table)
    return table


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise InceptionctlError(f"{path} is incomplete: it has no {error}") from error
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InceptionctlError(f"{path} is damaged: {error}") from error


def _table(folder: Path, ledger: dict[str, Any]) -> Table:
    read_as = (ledger["protocol"], ledger["weights"])
    plain = ("title", "scale", "setting", "command", "metric", "weights", "protocol", "comparable", "chance_error")
    return Table(
        folder=folder,
        name=ledger["table"],
        quoted=tuple(printed(record) for record in ledger["quoted"]),
        rows=tuple(_row(folder.parent, row, *read_as) for row in ledger["rows"]),
        overrides=tuple(Override(**{key: str(value) for key, value in one.items()}) for one in ledger["overrides"]),
        **{key: ledger[key] for key in plain},
    )


def _row(outputs: Path, row: dict[str, Any], protocol: str, weights: str) -> Row:
    plain = ("label", "switch", "params", "macs", "full_params", "full_macs")
    cells = tuple(_cell(outputs, cell, protocol, weights) for cell in row["cells"])
    return Row(printed=printed(row["cell"]), cells=cells, **{key: row[key] for key in plain})


def _cell(outputs: Path, cell: dict[str, Any], protocol: str, weights: str) -> Cell:
    run = RunDir(outputs / cell["run"]) if cell["run"] else None
    done = run and cell["status"] == "done"
    outcome = _outcome(run, protocol, weights) if run and done else None
    return Cell(seed=cell["seed"], status=cell["status"], run=run, outcome=outcome)


def _outcome(run: RunDir, protocol: str, weights: str) -> Outcome:
    with _reading(run.result):
        listed = read_json(run.result)["evaluations"]
        errors = {one["weights"]: one for one in listed if one["protocol"] == protocol}
        if weights not in errors:
            raise ValueError(f"no evaluation of the {weights} weights under protocol {protocol}")
        figures = errors.pop(weights)
        top1_error, top5_error = float(figures["top1_error"]), float(figures["top5_error"])
        other_error = next((float(one["top1_error"]) for one in errors.values()), None)
    path = run.predictions(protocol)
    with _reading(path), np.load(path, allow_pickle=False) as arrays:
        label, group = arrays["label"], arrays["group"]
        correct = arrays[f"{weights}_top5"][:, 0] == label
        if len(group) != len(label) or abs(100 * (1 - correct.mean()) - top1_error) > 1e-6:
            raise ValueError(f"it gives another top-1 error than the {top1_error} of {run.result.name}")
    return Outcome(
        top1_error=top1_error,
        top5_error=top5_error,
        other_error=other_error,
        label=label,
        group=group,
        correct=correct,
        curves=_curves(run, weights),
    )


def _curves(run: RunDir, weights: str) -> Curves:
    with _reading(run.metrics):
        rows = list(read_rows(run.metrics))
        train = [(row["epoch"], row["loss"]) for row in rows if row["kind"] == "train"]
        # One step may be tested on a subset and, at the end, on all images: the row with the most images counts.
        tests = sorted((row["epoch"], row["n_images"], row["top1_error"]) for row in rows if _is_test(row, weights))
        error = {epoch: top1_error for epoch, _, top1_error in tests}
    train_epoch, train_loss = np.array(train, dtype=float).reshape(-1, 2).T
    eval_epoch, eval_error = np.array(list(error.items()), dtype=float).reshape(-1, 2).T
    return Curves(train_epoch=train_epoch, train_loss=train_loss, eval_epoch=eval_epoch, eval_error=eval_error)


def _is_test(row: dict[str, Any], weights: str) -> bool:
    return bool(row["kind"] == "eval" and row["weights"] == weights)


def _refuse_mixed_images(table: Table) -> None:
    done = [(cell.run, cell.outcome) for _, cell in table.cells if cell.run and cell.outcome]
    for run, outcome in done[1:]:
        first_run, first = done[0]
        if not (np.array_equal(outcome.label, first.label) and np.array_equal(outcome.group, first.group)):
            files = (run.predictions(table.protocol), first_run.predictions(table.protocol))
            raise InceptionctlError(f"{files[0]} holds other test images than {files[1]}: a table never mixes them")
