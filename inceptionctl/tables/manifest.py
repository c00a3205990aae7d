"""`outputs/<name>/ledger.json`: which run is which cell of a table. `report` reads it and the run folders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inceptionctl.config.schema import Config
from inceptionctl.config.validate import flatten, matches
from inceptionctl.models.spec.cost import Cost
from inceptionctl.papers import records as papers
from inceptionctl.runs.paths import RunDir, write_json
from inceptionctl.tables.ladder import Table, difference

# What a scale may set against the paper's own recipe, listed in every report.
SCALED = ("arch", "data.name", "schedule", "train", "protocol", "augment")


@dataclass(frozen=True, kw_only=True)
class LedgerRow:
    """A row with the cost of the network run and of the full-size one, and for each seed its run, if there is one,
    and its identity, by which one that begins later is found."""

    label: str
    cell: str | None
    against: str | None
    switch: str | None
    cost: Cost
    full: Cost
    runs: dict[int, RunDir | None]
    identities: dict[int, str]
    failed: set[int]


def write(
    folder: Path,
    table: Table,
    configs: Sequence[Config],
    command: str,
    classes: int,
    rows: list[LedgerRow],
    paper: Config,
) -> None:
    """`configs` are those of the rows here, `paper` the first row's by the paper's recipe."""
    config = configs[0]
    write_json(folder / "ledger.json", {
        "table": table.name,
        "mode": table.mode,
        "title": f"{papers.title(table.paper)}, {table.title}" if table.paper else table.title,
        "setting": setting(configs),
        "command": command,
        "metric": table.metric,
        "weights": table.weights,
        "protocol": config.protocol.name,
        "comparable": False,  # no scale runs the paper's images under its protocol yet
        "chance_error": 100.0 * (1 - 1 / classes),
        "quoted": table.quoted,
        "rows": [_row(folder, row) for row in rows],
        "overrides": overridden(paper, config),
    })  # fmt: skip


def setting(configs: Sequence[Config]) -> str:
    """The scale in a line; some rows may be wider, or train for longer, than others."""
    config = configs[0]
    widths, epochs = _either(c.arch.width for c in configs), _either(c.train.epochs for c in configs)
    data = "real digits" if config.data.name == "digits" else "image folder"
    jittered = ", jittered" if config.data.jitter else ""
    return (
        f"{data}{jittered}, {config.arch.pixels} px, width {widths}, {epochs} epochs, batch {config.train.batch_size}"
    )


def _either(values: Iterable[float]) -> str:
    return " or ".join(f"{value:g}" for value in sorted(set(values)))


def overridden(paper: Config, here: Config) -> list[dict[str, str]]:
    """The paper's values that do not hold here."""
    pairs = difference(flatten(asdict(paper)), flatten(asdict(here)))
    return [
        {"key": key, "paper": str(stated), "here": str(ours)}
        for key, (stated, ours) in pairs.items()
        if matches(key, SCALED)
    ]


def _row(folder: Path, row: LedgerRow) -> dict[str, Any]:
    return {
        "label": row.label,
        "cell": row.cell,
        "against": row.against,
        "switch": row.switch,
        "params": row.cost.params,
        "macs": row.cost.macs,
        "full_params": row.full.params,
        "full_macs": row.full.macs,
        "cells": [_cell(folder, seed, row.identities[seed], run, seed in row.failed) for seed, run in row.runs.items()],
    }


def _cell(folder: Path, seed: int, identity: str, run: RunDir | None, failed: bool) -> dict[str, Any]:
    status = "done" if run and run.finished else "failed" if failed else "missing"
    relative = run.path.resolve().relative_to(folder.parent.resolve()).as_posix() if run else None
    return {"seed": seed, "identity": identity, "run": relative, "status": status}
