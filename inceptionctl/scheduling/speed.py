"""Runs a table whose metric is speed: no cell is trained, one process takes the steps of all its networks in turn."""

from __future__ import annotations

from rich.console import Console

from inceptionctl import processes
from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.report.speed import lines
from inceptionctl.runs.config_file import write_config
from inceptionctl.runs.environment import describe
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import SPEED, RunDir
from inceptionctl.runs.records.speed import SpeedRecord, SpeedRow
from inceptionctl.scheduling.table_plan import TablePlan
from inceptionctl.tables.manifest import setting

METRIC, WORKER = "steps_per_second", "inceptionctl.worker.speed"


def preview(table: TablePlan, console: Console) -> None:
    """`--dry-run`: the networks, and that nothing is trained."""
    for row in table.rows:
        cost = table.plan_of(row.row.label).cost
        console.print(f"row       {row.row.label}: {cost.params:,} parameters, {cost.macs / 1e6:,.1f} M multiply-adds")
    console.print(f"setting   {setting(table.configs)}")
    console.print(
        "time      a minute or a few: one process takes the training steps of all rows in turn; nothing is trained"
    )
    console.print(f"command   {table.command}")


def measure(table: TablePlan, console: Console) -> None:
    """Writes speed.json into the table's folder and prints it. Raises InceptionctlError if the process fails."""
    if table.on_slurm:
        raise RequestError(
            f"table {table.table.name} is measured by one process: start it on a node, with launch=local"
        )
    rows = {row.row.label: table.plan_of(row.row.label) for row in table.rows}
    for plan in rows.values():
        run = RunDir(table.folder / "speed" / plan.identity)
        run.path.mkdir(parents=True, exist_ok=True)
        write_config(run, plan.config)
    record = SpeedRecord(
        table=table.table.name,
        setting=setting(table.configs),
        batch_size=table.first.config.train.batch_size,
        clock="process",
        steps=0,
        rows=[
            SpeedRow(
                label=row.row.label, paper=row.row.cell, identity=rows[row.row.label].identity, steps_per_second=[]
            )
            for row in table.rows
        ],
        environment=describe("", 0, 1),
    )
    write_record(table.folder / "speed" / SPEED, record)  # what is asked; an earlier answer stays until there is one
    console.print(f"{table.table.name}: training steps of {' and '.join(rows)}, in turn, by one process")
    if processes.run_in_sight(processes.python_module(WORKER, str(table.folder))):
        raise InceptionctlError(f"the steps of {table.table.name} could not be timed: the reason stands above")
    for line in lines(read_record(table.folder / SPEED, SpeedRecord)):
        console.print(line)
