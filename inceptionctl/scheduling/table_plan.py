"""The plan of a table: its rows, the runs to train, and which runs each cell is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from inceptionctl.config.compose import Composer
from inceptionctl.config.launch import Slurm
from inceptionctl.config.schema import Config
from inceptionctl.errors import RequestError
from inceptionctl.papers.own import Figures
from inceptionctl.papers.records import papers
from inceptionctl.planning.plan import Plan
from inceptionctl.runs.records.table import cell_label
from inceptionctl.scheduling.run_folders import needs_run
from inceptionctl.scheduling.tuning import Choice, Tuning
from inceptionctl.tables.compose import paper_config
from inceptionctl.tables.ladder import ResolvedRow
from inceptionctl.tables.table import Table

CellKey = tuple[str, int]  # label of the row, seed


@dataclass(frozen=True, kw_only=True)
class Design:
    """What was asked of a table beside its rows. `sets`: of crossed switches, those that are on, by the label of the
    row; `orders`: those in which they are added; `null`: label of the A/A row; `looks` and `max_seeds`: how often the
    results are looked at, up to how many seeds; `tuning`: the runs that learning rates are chosen by, and `rates`: the
    choices, by the label of the row, none while these runs are missing."""

    sets: dict[str, list[str]] = field(default_factory=dict)
    orders: list[list[str]] = field(default_factory=list)
    null: str | None = None
    looks: int | None = None
    max_seeds: int | None = None
    tuning: Tuning | None = None
    rates: dict[str, Choice] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TablePlan:
    """`table`: as it is at the scale that was chosen, and `written` as its file has it; `cells`: the identities of the
    runs of each cell, several for an ensemble; `runs`: the plan of every run by its identity, which several cells may
    share; `command` asks for the same from anywhere, and `again` plans it anew; `figures`: those of the papers that the
    table names; `scale`: the option of conf/scale."""

    table: Table
    written: Table
    rows: list[ResolvedRow]
    cells: dict[CellKey, tuple[str, ...]]
    runs: dict[str, Plan]
    command: str
    figures: Figures
    composer: Composer
    scale: str
    design: Design = Design()
    again: Callable[[], TablePlan]

    @property
    def first(self) -> Plan:
        return next(iter(self.runs.values()))

    @property
    def folder(self) -> Path:
        return Path(self.first.config.outputs) / self.first.config.name

    @property
    def is_tuned(self) -> bool:
        """Whether the learning rates are known."""
        return self.design.tuning is None or bool(self.design.rates)

    @property
    def on_slurm(self) -> bool:
        return isinstance(self.first.config.launch, Slurm)

    @property
    def seeds(self) -> list[int]:
        """Of every row but the A/A row."""
        return list(dict.fromkeys(seed for row, seed in self.cells if row != self.design.null))

    def first_seeds(self, number: int) -> TablePlan:
        """The same table with the first seeds of each row alone."""
        kept = {row.row.label: [seed for label, seed in self.cells if label == row.row.label] for row in self.rows}
        cells = {key: identities for key, identities in self.cells.items() if key[1] in kept[key[0]][:number]}
        needed = {identity for identities in cells.values() for identity in identities}
        return replace(self, cells=cells, runs={key: plan for key, plan in self.runs.items() if key in needed})

    @cached_property
    def plans(self) -> dict[str, Plan]:
        """Every run once, by the label of the first cell that needs it: all rows with one seed before the next seed, so
        that an interrupted table is complete, with fewer seeds."""
        labels: dict[str, str] = {}
        for (row, seed), identities in sorted(self.cells.items(), key=lambda cell: cell[0][1]):
            for number, identity in enumerate(identities, 1):
                network = f", network {number}" if len(identities) > 1 else ""
                labels.setdefault(identity, cell_label(row, seed) + network)
        return {label: self.runs[identity] for identity, label in labels.items()}

    @property
    def configs(self) -> list[Config]:
        """One for each row."""
        return [row.config for row in self.rows]

    @cached_property
    def paper(self) -> Config | None:
        """The first row that others build on by the paper's own recipe; None if the table's base fits no recipe but its
        own."""
        try:
            return paper_config(self.written, self.composer)
        except RequestError:
            return None

    @property
    def of_known_paper(self) -> bool:
        """Whether `paper` is its recipe: of a paper in papers.yaml, of cells from there, or of crossed switches."""
        if self.table.paper:
            return self.table.paper in papers()
        cells = [row.cell for row in self.table.rows if row.cell and row.cell not in self.figures.own]
        return bool(cells or self.design.sets)

    @property
    def base(self) -> Plan:
        """Of the first row that others build on."""
        return self.plan_of(self.table.first_built_on.label)

    def plan_of(self, row: str) -> Plan:
        """Of any run of the row."""
        return next(self.runs[identities[0]] for (label, _), identities in self.cells.items() if label == row)

    def config_of(self, row: str, seed: int) -> Config:
        """Of the first run of a cell, planned or not."""
        return self.plan_of(row).with_seed(seed).config

    def missing(self) -> set[str]:
        """The identities of the runs that are not finished."""
        return {identity for identity, plan in self.runs.items() if needs_run(plan)}

    def to_run(self) -> dict[str, Plan]:
        """The plans of the runs that are not finished, by label."""
        return {label: plan for label, plan in self.plans.items() if needs_run(plan)}
