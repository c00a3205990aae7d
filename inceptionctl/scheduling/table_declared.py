"""Writes what is expected of a table before its runs: directions, seeds, and what they can detect."""

from __future__ import annotations

import os
from typing import Literal

from inceptionctl.errors import RequestError, count
from inceptionctl.files import from_here
from inceptionctl.report.results import compared, compared_rows
from inceptionctl.report.statistics.power import predicted
from inceptionctl.report.statistics.variance import seed_variance
from inceptionctl.runs.damage import read_result
from inceptionctl.runs.environment import git_commit
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import PLAN
from inceptionctl.runs.records.declared import DeclaredPlan, Expectation
from inceptionctl.runs.records.table import ManifestRow
from inceptionctl.scheduling.estimates import device_hours
from inceptionctl.scheduling.run_folders import finished
from inceptionctl.scheduling.table_manifest import manifest_of
from inceptionctl.scheduling.table_plan import TablePlan
from inceptionctl.scheduling.table_seeds import utc_now
from inceptionctl.tables.metric import Metric
from inceptionctl.tables.spread import SPREADS

FEW_SEEDS = "no row has two finished seeds yet, and none is known at this scale"


def save_plan(plan: TablePlan) -> str:
    """Writes plan.json into the table's folder: what to print. Raises RequestError if there is one already."""
    path = plan.folder / PLAN
    if os.path.lexists(path):
        raise RequestError(f"{path} is there: a plan is declared once\n  remove it to declare another")
    plan.folder.mkdir(parents=True, exist_ok=True)
    write_record(path, declared(plan))
    return f"declared: {from_here(path)}; the report holds the results against it"


def declared(plan: TablePlan) -> DeclaredPlan:
    sd, sd_from = seed_sd(plan)
    manifest, missing = manifest_of(plan), plan.missing()
    to_run = [run for identity, run in plan.runs.items() if identity in missing]
    return DeclaredPlan(
        table=plan.table.name,
        at=utc_now(),
        commit=git_commit(),
        command=plan.command,
        metric=plan.table.metric,
        margin=plan.table.margin,
        seeds=plan.seeds,
        cells=len(plan.cells),
        done=sum(not missing.intersection(identities) for identities in plan.cells.values()),
        seed_sd=sd,
        sd_from=sd_from,
        detectable=detectable(plan, sd),
        device_hours=sum(map(device_hours, to_run)),
        expected=[_expected(row, before, plan) for row, before in compared(manifest.mode, manifest.rows) if before],
    )


def detectable(plan: TablePlan, sd: float | None) -> float | None:
    """The smallest change that the planned seeds show with 80 % power, of independent rows."""
    return predicted(sd, len(plan.seeds), len(compared_rows(plan.table.mode, plan.table.rows))) if sd else None


def detectable_line(plan: TablePlan) -> str:
    """What a plan says of the smallest change that its seeds can show."""
    sd, sd_from = seed_sd(plan)
    least, metric = detectable(plan, sd), Metric.parse(plan.table.metric)
    least_text = "unknown" if least is None else f"{least:.2g} {'points' if metric.is_error else metric.unit}"
    assumed = sd_from if sd is None else f"by a standard deviation of {sd:.2g} between seeds, from {sd_from}"
    return f"{least_text} at 80 % power with {count(len(plan.seeds), 'seed')} ({assumed})"


def seed_sd(plan: TablePlan) -> tuple[float | None, str]:
    """Of the table's cells that are finished, or as is known of its scale, and what it is from; None if that cannot be
    told."""
    if plan.table.metric != "final":
        return None, f"unknown for {plan.table.metric}"
    rows = compared_rows(plan.table.mode, plan.table.rows)
    errors = [[error for seed in plan.seeds if (error := _error(plan, row, seed))] for row in rows]
    if found := seed_variance([row for row in errors if row]):
        return found.sd, f"{sum(map(len, errors))} finished cells"
    assumed = SPREADS.get(plan.scale)
    return (assumed.sd, assumed.source) if assumed else (None, FEW_SEEDS)


def _error(plan: TablePlan, row: str, seed: int) -> float | None:
    """Top-1 error of a cell of one network, in percent."""
    identities = plan.cells.get((row, seed), ())
    run = finished(plan.runs[identities[0]]) if len(identities) == 1 else None
    return read_result(run).evaluation(plan.table.weights).top1_error if run else None


def _expected(row: ManifestRow, before: str, plan: TablePlan) -> Expectation:
    change = _paper_change(row.label, before, plan)
    is_error = plan.table.metric == "final"
    direction: Literal["lower", "higher", "equal"] | None = None
    if row.label == plan.design.null:
        direction = "equal"
    elif change and is_error:
        direction = "lower" if change < 0 else "higher"
    return Expectation(before=before, after=row.label, change=change, direction=direction)


def _paper_change(after: str, before: str, plan: TablePlan) -> float | None:
    cells = {row.row.label: row.row.cell for row in plan.rows}
    errors = [plan.figures.cell(cell).top1_error if cell else None for cell in (cells[before], cells[after])]
    # Printed to one or two decimals: rounding removes the error of binary fractions.
    return None if errors[0] is None or errors[1] is None else round(errors[1] - errors[0], 6)
