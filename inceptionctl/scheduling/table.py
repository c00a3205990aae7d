"""A table to fill: the plan of every cell, those still to run, and the manifest that the report reads."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from rich.console import Console

from inceptionctl.config.compose import Composer
from inceptionctl.config.hydra_main import Request
from inceptionctl.config.launch import Slurm
from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse, parse_as
from inceptionctl.errors import RequestError
from inceptionctl.papers import records as papers
from inceptionctl.planning.plan import Plan
from inceptionctl.planning.plan import plan as make_plan
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import MANIFEST
from inceptionctl.runs.records.table import ManifestCell, ManifestRow, TableManifest, cell_label
from inceptionctl.scheduling.placement import place
from inceptionctl.scheduling.run_folders import needs_run
from inceptionctl.tables.ladder import ResolvedRow, resolve_rows
from inceptionctl.tables.manifest import overrides, setting
from inceptionctl.tables.table import Table, seeds_of
from inceptionctl.terminal import print_warnings


@dataclass(frozen=True)
class TablePlan:
    """The rows of a table, the plan of every cell by (row label, seed), and the command that asks for them."""

    table: Table
    rows: list[ResolvedRow]
    cells: dict[tuple[str, int], Plan]
    command: str
    composer: Composer

    @property
    def first(self) -> Plan:
        return next(iter(self.cells.values()))

    @property
    def folder(self) -> Path:
        return Path(self.first.config.outputs) / self.first.config.name

    @property
    def on_slurm(self) -> bool:
        return isinstance(self.first.config.launch, Slurm)

    @property
    def plans(self) -> dict[str, Plan]:
        """By label, every row once before any row twice: an interrupted table is then complete, with fewer seeds."""
        return {cell_label(*key): plan for key, plan in sorted(self.cells.items(), key=lambda item: item[0][1])}

    @property
    def configs(self) -> list[Config]:
        """One for each row."""
        return [row.config for row in self.rows]

    @cached_property
    def paper(self) -> Config:
        """The first row by the paper's own recipe."""
        return parse(self.composer.compose("train", [*self.table.base, "scale=imagenet"]))

    def to_run(self) -> dict[str, Plan]:
        """The plans of the cells that are not finished, by label."""
        return {label: plan for label, plan in self.plans.items() if needs_run(plan)}

    def write_manifest(self) -> None:
        config, table = self.first.config, self.table
        manifest = TableManifest(
            table=table.name,
            mode=table.mode,
            title=f"{papers.title(table.paper)}, {table.title}" if table.paper else table.title,
            setting=setting(self.configs),
            command=self.command,
            metric=table.metric,
            image_set=config.data.eval_split,
            protocol=config.protocol.name,
            weights=table.weights,
            comparable=False,  # no scale evaluates on the paper's images by its protocol yet
            chance_error=100.0 * (1 - 1 / len(self.first.data.classes)),
            quoted=table.quoted,
            rows=[self._row(row) for row in self.rows],
            overrides=overrides(self.paper, self.configs[0]),
        )
        write_record(self.folder / MANIFEST, manifest)

    def _row(self, row: ResolvedRow) -> ManifestRow:
        definition = row.row
        plans = {seed: plan for (label, seed), plan in self.cells.items() if label == definition.label}
        any_plan = next(iter(plans.values()))
        return ManifestRow(
            label=definition.label,
            paper=definition.cell,
            against=definition.against,
            switch=definition.add,
            params=any_plan.cost.params,
            macs=any_plan.cost.macs,
            full_params=any_plan.full.params,
            full_macs=any_plan.full.macs,
            tuned=str(any_plan.config.tuned) if any_plan.config.tuned else None,
            cells=[ManifestCell(seed=seed, identity=plan.identity) for seed, plan in plans.items()],
        )


def plan_table(request: Request) -> TablePlan:
    """Raises RequestError for a table, a row or an override that cannot be run."""
    table, seeds = parse_as(Table, request.tree["table"]), seeds_of(request.tree["seeds"])
    rows = resolve_rows(table, request.overrides, request.composer)
    if rows[0].config.run_dir:
        raise RequestError(
            "run_dir is for one run, and a table makes a folder for each cell: use name= and outputs= instead"
        )
    first = {row.row.label: make_plan(replace(row.config, seed=seeds[0])) for row in rows}
    cells = {(label, seed): plan.with_seed(seed) for label, plan in first.items() for seed in seeds}
    plans = TablePlan(table, rows, cells, shlex.join(["inceptionctl", "ablate", *request.overrides]), request.composer)
    place(plans.plans)
    return plans


def announce(table: TablePlan, num_to_run: int, console: Console) -> None:
    """Prints the setting, how many cells there are, and their warnings."""
    lines = [
        f"{table.table.name}: {setting(table.configs)}; {table.first.data.provenance}",
        f"{len(table.cells)} cells: {len(table.cells) - num_to_run} done, {num_to_run} to run",
    ]
    lines += [f"tuned: {row.config.tuned}" for row in table.rows if row.config.tuned]
    for line in lines:
        console.print(line)
    print_warnings(sorted({warning for plan in table.cells.values() for warning in plan.warnings}), console)
