"""`ablate --dry-run`: prints what a table would run, what it would cost and what it could detect."""

from __future__ import annotations

from rich.console import Console

from inceptionctl.scheduling.cell_evaluations import evaluation_lines, evaluations_of
from inceptionctl.scheduling.preview import show_plans
from inceptionctl.scheduling.table_announce import looks, rates
from inceptionctl.scheduling.table_declared import detectable_line
from inceptionctl.scheduling.table_plan import TablePlan
from inceptionctl.tables.ladder import ResolvedRow
from inceptionctl.tables.scales import stated


def show_table(table: TablePlan, console: Console) -> None:
    """What the table sets at its scale, what each row changes, then the plans of all cells."""
    for line in (*stated(table.table), *looks(table), *rates(table)):
        console.print(line)
    for row in table.rows:
        console.print(f"row       {row.row.label}: {_changes(row, table)}")
    for order in table.design.orders:
        console.print(f"order     {', '.join(order)}")
    show_plans(table.plans, console, table.folder, _rows(table))
    for line in evaluation_lines(evaluations_of(table)):
        console.print(line)
    console.print(f"detects   {detectable_line(table)}")
    console.print(f"command   {table.command}")


def _changes(row: ResolvedRow, table: TablePlan) -> str:
    if row.row.label == table.design.null:
        return f"as {row.row.against}, with other seeds"
    return ", ".join(f"{key}: {before} -> {now}" for key, (before, now) in row.changed.items()) or "the base"


def _rows(table: TablePlan) -> dict[str, str]:
    """The row of each run, by the run's label: of a run that several rows share, the first."""
    rows = {identity: row for (row, _), identities in reversed(table.cells.items()) for identity in identities}
    return {label: rows[plan.identity] for label, plan in table.plans.items()}
