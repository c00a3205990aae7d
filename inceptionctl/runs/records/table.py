"""table.json, the manifest of a table: its rows and which run is which cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from inceptionctl.runs.io import Record

COMPARISON = "comparison"  # name of the tables that `report` makes of any runs


@dataclass(frozen=True, kw_only=True)
class ManifestCell:
    """A row with one seed; its run is found by its identity, under whatever name. `members`: of an ensemble, the
    identities of its runs, of which `identity` is the first."""

    seed: int
    identity: str
    members: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ManifestRow:
    """`paper`: id of the paper's row in papers.yaml; `against`: label of the row to compare with; `params` and `macs`
    of the network as run, `full_params` and `full_macs` at the paper's size; `tuned`: values of conf/tuned and why;
    `protocol`: in the names of its evaluations, where it is not the table's; `models`: networks of an ensemble; `note`:
    what differs between paper and release, or from the paper; `switches`: of a row of crossed switches, those that are
    on, in the names of `orders`; `standalone`: of a ladder, one that builds on no other row; `fact`: of papers.yaml,
    which states the row's change in the paper's text; `lr`: its learning rate, if it was chosen for it, and whether
    that is at the edge of the grid."""

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
    protocol: str | None = None
    models: int = 1
    note: str | None = None
    switches: list[str] = field(default_factory=list)
    standalone: bool = False
    fact: str | None = None
    lr: float | None = None
    lr_at_edge: bool = False


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
    params: float | None = None
    steps_millions: float | None = None
    steps_per_second: float | None = None
    models: int | None = None
    crops: int | str | None = None


@dataclass(frozen=True, kw_only=True)
class SeedsAdded:
    """Seeds that joined a table that had a report already, and when (ISO 8601, UTC)."""

    seeds: list[int]
    at: str


@dataclass(frozen=True, kw_only=True)
class Converged:
    """When a run has learned: its error is below that of guessing by a one-sided test at level `chance_p`, and its
    training loss fell by at least the share `loss_fall` of its first value; `error`, if given, is the most that its
    error may be, in percent."""

    chance_p: float = 0.001
    loss_fall: float = 0.1
    error: float | None = None


@dataclass(frozen=True, kw_only=True)
class TableManifest(Record):
    """table.json. `setting`: the scale in a line; `quoted`: ids of rows that the paper cites; `chance_error`: of
    guessing, in percent; `comparable`: whether images and protocol are the paper's; `figures`: those that papers.yaml
    does not have, so that a report needs no other file; `metric`: as tables/metric.py reads it, and `also`: further
    ones; `margin`: points within which two rows count as equal; `orders`: of a table whose rows are switches in several
    orders, the labels of the switches in each; `null`: label of the A/A row; `looks`: how often the report may be
    looked at before the last seed; `found_in`: further folders of runs, as seen from the table's; `lr_grid`: learning
    rates of which each row has its best by the dev split."""

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
    caption: str | None = None
    also: list[str] = field(default_factory=list)
    margin: float | None = None
    converged: Converged = Converged()
    columns: list[str] = field(default_factory=list)
    null: str | None = None
    orders: list[list[str]] = field(default_factory=list)
    looks: int | None = None
    max_seeds: int | None = None
    added: list[SeedsAdded] = field(default_factory=list)
    found_in: list[str] = field(default_factory=list)
    lr_grid: list[float] = field(default_factory=list)

    @property
    def is_comparison(self) -> bool:
        """Whether the runs were started by other commands, so that repeating `command` starts none."""
        return self.table == COMPARISON


def cell_label(row: str, seed: int) -> str:
    """How messages name a cell."""
    return f"{row}, seed {seed}"
