"""Plans a table from what was typed: composes its rows and plans the runs of every cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from inceptionctl.config.again import command_again
from inceptionctl.config.hydra_main import Request
from inceptionctl.config.overrides import group_choices
from inceptionctl.config.overrides import parse as parse_overrides
from inceptionctl.config.schema import Config
from inceptionctl.config.table_settings import Asked
from inceptionctl.errors import RequestError
from inceptionctl.papers.own import Figures
from inceptionctl.papers.own import read as read_figures
from inceptionctl.report.results import compared
from inceptionctl.scheduling.cell_evaluations import check_evaluations
from inceptionctl.scheduling.placement import place
from inceptionctl.scheduling.table_cells import plan_cells
from inceptionctl.scheduling.table_folder import manifest_in
from inceptionctl.scheduling.table_manifest import check_folder
from inceptionctl.scheduling.table_places import found_in
from inceptionctl.scheduling.table_plan import Design, TablePlan
from inceptionctl.scheduling.table_seeds import check_seeds, null_seeds, planned_seeds
from inceptionctl.scheduling.tuning import plan_tuning, with_rate
from inceptionctl.tables.check import read_table
from inceptionctl.tables.crossed import Crossed, cross_switches, permute
from inceptionctl.tables.ladder import ResolvedRow, resolve_rows
from inceptionctl.tables.scales import at_scale, chosen_scale
from inceptionctl.tables.source import TableSource
from inceptionctl.tables.table import Table

DEFAULT = "inception_v3"  # as in conf/ablate.yaml


def plan_table(request: Request) -> TablePlan:
    """Raises RequestError for a table, a row or an override that cannot be run."""
    composer = request.composer
    asked, figures = Asked.read(request.tree, request.overrides), read_figures(composer.config_dir)
    check_seeds(asked, request.tree["seeds"])
    made = _tuned(asked, _with_null(asked, _made(request, asked, figures)))
    rows, design, config = made.rows, made.design, made.rows[0].config
    _check_no_run_dir(config)
    folder = Path(config.outputs) / config.name
    before = manifest_in(folder)
    seeds = planned_seeds(asked, request.tree["seeds"], before, folder)
    of_null = null_seeds(seeds) if design.null else []
    cells, runs = plan_cells(rows, {row.row.label: of_null if row.row.label == design.null else seeds for row in rows})
    places = found_in(asked, before, folder)
    plan = TablePlan(
        table=made.table,
        written=made.written,
        rows=rows,
        cells=cells,
        runs={identity: replace(run, found_in=places) for identity, run in runs.items()},
        command=command_again("ablate", _words_again(request.overrides, asked, seeds), config, composer.config_dir),
        figures=figures,
        composer=composer,
        scale=chosen_scale(asked.words, made.written.base, composer),
        design=design,
        again=partial(plan_table, request),
    )
    _check_looks(plan)
    check_evaluations(plan)
    place(plan.plans)
    if plan.is_tuned:
        check_folder(plan)
    elif plan.on_slurm:
        raise RequestError(
            "lr_policy=tuned waits for the runs that choose the rates, and launch=slurm submits and returns at once: "
            "choose them with another launch first"
        )
    return plan


@dataclass(frozen=True, kw_only=True)
class _Made:
    """`table` at its scale, and `written` as its file has it."""

    table: Table
    written: Table
    rows: list[ResolvedRow]
    design: Design


def _made(request: Request, asked: Asked, figures: Figures) -> _Made:
    composer, settings = request.composer, asked.settings
    looks = Design(looks=settings.looks, max_seeds=settings.max_seeds)
    if settings.switches:
        crossed = cross_switches(asked, composer)
        return _of_crossed(crossed, crossed.table, looks)
    chosen = group_choices(request.overrides, "table") or [DEFAULT]
    source = TableSource.find(chosen[-1], composer.config_dir)
    written = read_table(request.tree.get("table"), source, figures, composer)
    table, source = at_scale(written, asked.words, composer, source)
    rows = resolve_rows(table, asked.words, composer, source)
    if settings.order:
        return _of_crossed(permute(table, rows, asked, composer), written, looks)
    return _Made(table=table, written=written, rows=rows, design=looks)


def _of_crossed(crossed: Crossed, written: Table, looks: Design) -> _Made:
    design = replace(looks, sets=crossed.sets, orders=crossed.orders)
    return _Made(table=crossed.table, written=written, rows=crossed.rows, design=design)


def _with_null(asked: Asked, made: _Made) -> _Made:
    """With the A/A row, if it was asked for."""
    if not asked.settings.null:
        return made
    built_on = made.table.first_built_on.label
    first = next(row for row in made.rows if row.row.label == built_on)
    row = replace(first.row, label=f"A/A: {built_on}", against=built_on, cell=None, add=None, standalone=True)
    return replace(
        made,
        table=replace(made.table, rows=[*made.table.rows, row]),
        rows=[*made.rows, replace(first, row=row, changed={})],
        design=replace(made.design, null=row.label),
    )


def _tuned(asked: Asked, made: _Made) -> _Made:
    """With the learning rate that was chosen for each row, if the runs for that are finished."""
    tuning = plan_tuning(made.rows, asked, made.table.weights)
    if tuning is None:
        return made
    rates = tuning.choices() or {}
    rows = [with_rate(row, rates[row.row.label].lr) if rates else row for row in made.rows]
    return replace(made, rows=rows, design=replace(made.design, tuning=tuning, rates=rates))


def _words_again(words: Sequence[str], asked: Asked, seeds: list[int]) -> list[str]:
    """What continues: rerun=true would begin anew, and seeds=+2 add two more each time: the seeds themselves instead.
    The manifest keeps found_in."""
    words = [o.input_line or "" for o in parse_overrides(words) if o.key_or_group not in ("found_in", "rerun")]
    if asked.more_seeds is None:
        return [*words]
    resolved = f"seeds={len(seeds)}" if seeds == [*range(len(seeds))] else f"seeds=[{','.join(map(str, seeds))}]"
    return [resolved if o.key_or_group == "seeds" else o.input_line or "" for o in parse_overrides(words)]


def _check_no_run_dir(config: Config) -> None:
    if config.run_dir:
        raise RequestError(
            "run_dir is for one run, and a table makes a folder for each cell: use name= and outputs= instead"
        )


def _check_looks(plan: TablePlan) -> None:
    """Raises RequestError for what cannot be run until it is resolved."""
    if not plan.design.looks:
        return
    if plan.on_slurm:
        raise RequestError(
            "until=resolved waits for the results of each look, and launch=slurm submits and returns at once: "
            "give seeds=N, and more with seeds=+N"
        )
    if plan.first.config.rerun:
        raise RequestError(
            "until=resolved rerun=true would run the seeds of the first looks again at each look\n"
            "  leave rerun out; in another folder, outputs=DIR, every run is new"
        )
    if not any(before for _, before in compared(plan.table.mode, plan.table.rows)):
        raise RequestError(f"until=resolved has no effect: table {plan.table.name} compares no rows\n  give seeds=N")
