"""table.json, the manifest of a table: its rows and which run is which cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from inceptionctl.runs.io import Record


@dataclass(frozen=True, kw_only=True)
class ManifestCell:
    """A row with one seed; its run is found by its identity, under whatever name."""

    seed: int
    identity: str


@dataclass(frozen=True, kw_only=True)
class ManifestRow:
    """`paper`: id of the paper's row in papers.yaml; `against`: label of the row to compare with; `params` and `macs`
    of the network as run, `full_params` and `full_macs` at the paper's size; `tuned`: values of conf/tuned and why."""

    label: str
    paper: str | None
    against: str | None
    switch: str | None
    params: int
    macs: int
    full_params: int
    full_macs: int
    tuned: str | None = None
    cells: list[ManifestCell]


@dataclass(frozen=True, kw_only=True)
class Override:
    """A value of the paper's recipe that the scale replaces."""

    key: str
    paper: str
    here: str


@dataclass(frozen=True, kw_only=True)
class PrintedFigures:
    """A record of the user's own papers that the table names, as papers/own.py read it."""

    id: str
    label: str
    top1_error: float | None
    top5_error: float | None
    cost_billion: float | None
    n_images: int | None
    caveat: str | None


@dataclass(frozen=True, kw_only=True)
class TableManifest(Record):
    """table.json. `setting`: the scale in a line; `quoted`: ids of rows that the paper cites; `chance_error`: of
    guessing, in percent; `comparable`: whether images and protocol are the paper's; `figures`: those that papers.yaml
    does not have, so that a report needs no other file."""

    schema: Literal[1] = 1
    table: str
    mode: Literal["cumulative", "independent"]
    title: str
    setting: str
    command: str
    metric: str
    image_set: str
    protocol: str
    weights: Literal["ema", "raw"]
    comparable: bool
    chance_error: float
    quoted: list[str]
    rows: list[ManifestRow]
    overrides: list[Override]
    figures: list[PrintedFigures] = field(default_factory=list)


def cell_label(row: str, seed: int) -> str:
    """How messages name a cell."""
    return f"{row}, seed {seed}"
