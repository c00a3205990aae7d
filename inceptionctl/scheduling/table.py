"""Plans a table from what was typed: composes its rows and plans the run of every cell."""

from __future__ import annotations

from dataclasses import replace

from inceptionctl.config.again import command_again
from inceptionctl.config.hydra_main import Request
from inceptionctl.config.overrides import group_choices
from inceptionctl.errors import RequestError
from inceptionctl.papers.own import read as read_figures
from inceptionctl.planning.plan import Plan
from inceptionctl.planning.plan import plan as make_plan
from inceptionctl.scheduling.placement import place
from inceptionctl.scheduling.table_manifest import check_folder
from inceptionctl.scheduling.table_plan import TablePlan
from inceptionctl.tables.check import read_table
from inceptionctl.tables.ladder import ResolvedRow, resolve_rows
from inceptionctl.tables.scales import at_scale
from inceptionctl.tables.source import TableSource
from inceptionctl.tables.table import seeds_of

DEFAULT = "inception_v3"  # as in conf/ablate.yaml


def plan_table(request: Request) -> TablePlan:
    """Raises RequestError for a table, a row or an override that cannot be run."""
    composer, seeds = request.composer, seeds_of(request.tree["seeds"])
    chosen = group_choices(request.overrides, "table") or [DEFAULT]
    source = TableSource.find(chosen[-1], composer.config_dir)
    figures = read_figures(composer.config_dir)
    written = read_table(request.tree.get("table"), source, figures, composer)
    table, source = at_scale(written, request.overrides, composer, source)
    rows = resolve_rows(table, request.overrides, composer, source)
    _check_no_run_dir(rows)
    first = {row.row.label: _plan(row, seeds[0]) for row in rows}
    planned = {(label, seed): plan.with_seed(seed) for label, plan in first.items() for seed in seeds}
    plan = TablePlan(
        table=table,
        written=written,
        rows=rows,
        cells={key: (plan.identity,) for key, plan in planned.items()},
        runs={plan.identity: plan for plan in planned.values()},
        command=command_again("ablate", request.overrides, rows[0].config, composer.config_dir),
        figures=figures,
        composer=composer,
    )
    place(plan.plans)
    check_folder(plan)
    return plan


def _plan(row: ResolvedRow, seed: int) -> Plan:
    return replace(make_plan(replace(row.config, seed=seed)), label=row.row.label)


def _check_no_run_dir(rows: list[ResolvedRow]) -> None:
    if rows[0].config.run_dir:
        raise RequestError(
            "run_dir is for one run, and a table makes a folder for each cell: use name= and outputs= instead"
        )
