"""A table to fill: the plan of every cell, those still to run, and the manifest that the report reads."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

from rich.console import Console

from inceptionctl.config.again import command_again
from inceptionctl.config.compose import Composer
from inceptionctl.config.hydra_main import Request
from inceptionctl.config.launch import Slurm
from inceptionctl.config.overrides import group_choices
from inceptionctl.config.schema import Config
from inceptionctl.data.inputs import describe_input
from inceptionctl.errors import RequestError
from inceptionctl.papers.own import Figures
from inceptionctl.papers.own import read as read_figures
from inceptionctl.planning.evaluation.records import protocol
from inceptionctl.planning.plan import Plan
from inceptionctl.planning.plan import plan as make_plan
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import MANIFEST
from inceptionctl.runs.records.table import ManifestCell, ManifestRow, PrintedFigures, TableManifest, cell_label
from inceptionctl.scheduling.downloads import announce_weights
from inceptionctl.scheduling.placement import place
from inceptionctl.scheduling.run_folders import needs_run
from inceptionctl.scheduling.table_folder import check_same_table, manifest_in, with_cells_of
from inceptionctl.tables.check import read_table
from inceptionctl.tables.compose import paper_config
from inceptionctl.tables.ladder import ResolvedRow, resolve_rows
from inceptionctl.tables.manifest import overrides, setting
from inceptionctl.tables.source import TableSource
from inceptionctl.tables.table import Table, seeds_of
from inceptionctl.terminal import print_warnings

DEFAULT = "inception_v3"  # as in conf/ablate.yaml


@dataclass(frozen=True)
class TablePlan:
    """The rows of a table, the plan of every cell by (row label, seed), and the command that asks for them, from
    anywhere. `figures`: those of the papers that the table names."""

    table: Table
    rows: list[ResolvedRow]
    cells: dict[tuple[str, int], Plan]
    command: str
    figures: Figures
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
    def paper(self) -> Config | None:
        """The first row by the paper's own recipe; None if the table's base fits no recipe but its own."""
        try:
            return paper_config(self.table, self.composer)
        except RequestError:
            return None

    def to_run(self) -> dict[str, Plan]:
        """The plans of the cells that are not finished, by label."""
        return {label: plan for label, plan in self.plans.items() if needs_run(plan)}

    def check_folder(self) -> None:
        """Raises RequestError if the folder holds another table, or this one with other settings."""
        if before := manifest_in(self.folder):
            check_same_table(self.folder, before, self._manifest(), self._config)

    def write_manifest(self) -> None:
        """Keeps the seeds that the folder's manifest has already. Raises RequestError as `check_folder` does."""
        before, manifest = manifest_in(self.folder), self._manifest()
        if before:
            check_same_table(self.folder, before, manifest, self._config)
            manifest = with_cells_of(before, manifest)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_record(self.folder / MANIFEST, manifest)

    def _config(self, label: str, seed: int) -> Config:
        plan = next(plan for (row, _), plan in self.cells.items() if row == label)
        return plan.with_seed(seed).config

    def _manifest(self) -> TableManifest:
        config, table = self.first.config, self.table
        return TableManifest(
            table=table.name,
            mode=table.mode,
            title=f"{self.figures.title(table.paper)}, {table.title}" if table.paper else table.title,
            setting=setting(self.configs),
            command=self.command,
            metric=table.metric,
            image_set=config.data.eval_split,
            protocol=protocol(self.first).name,
            weights=table.weights,
            comparable=False,  # no scale evaluates on the paper's images by its protocol yet
            chance_error=100.0 * (1 - 1 / len(self.first.data.classes)),
            quoted=table.quoted,
            rows=[self._row(row) for row in self.rows],
            overrides=overrides(self.paper, self.first.config) if self.paper else [],
            figures=[PrintedFigures(**asdict(self.figures.own[name])) for name in self._own_figures()],
        )

    def _own_figures(self) -> list[str]:
        named = [*self.table.quoted, *(row.cell for row in self.table.rows if row.cell)]
        return [name for name in dict.fromkeys(named) if name in self.figures.own]

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
    composer, seeds = request.composer, seeds_of(request.tree["seeds"])
    chosen = group_choices(request.overrides, "table") or [DEFAULT]
    source = TableSource.find(chosen[-1], composer.config_dir)
    figures = read_figures(composer.config_dir)
    table = read_table(request.tree.get("table"), source, figures, composer)
    rows = resolve_rows(table, request.overrides, composer, source)
    if rows[0].config.run_dir:
        raise RequestError(
            "run_dir is for one run, and a table makes a folder for each cell: use name= and outputs= instead"
        )
    plans_of_rows = {row.row.label: make_plan(replace(row.config, seed=seeds[0])) for row in rows}
    first = {label: replace(plan, label=label) for label, plan in plans_of_rows.items()}
    cells = {(label, seed): plan.with_seed(seed) for label, plan in first.items() for seed in seeds}
    command = command_again("ablate", request.overrides, rows[0].config, composer.config_dir)
    plans = TablePlan(table, rows, cells, command, figures, composer)
    place(plans.plans)
    plans.check_folder()
    return plans


def announce(table: TablePlan, num_to_run: int, console: Console) -> None:
    """Prints the setting, how many cells there are, and their warnings."""
    lines = [
        f"{table.table.name}: {setting(table.configs)}; {table.first.data.provenance}",
        f"{len(table.cells)} cells: {len(table.cells) - num_to_run} done, {num_to_run} to run",
    ]
    inputs = (describe_input(config.arch.input, config.arch.pixels) for config in table.configs)
    lines += [f"input: {line}" for line in dict.fromkeys(inputs)]
    lines += [f"tuned: {row.config.tuned}" for row in table.rows if row.config.tuned]
    for line in lines:
        console.print(line)
    plans = table.cells.values()
    announce_weights(plans, console)
    warnings = sorted({warning for plan in plans for warning in (*plan.schedule_notes, *plan.warnings)})
    if table.paper is None:
        warnings.append("the table's base fits no other scale: the report cannot list what differs from scale=imagenet")
    print_warnings(warnings, console)
