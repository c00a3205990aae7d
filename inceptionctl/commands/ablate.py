"""`inceptionctl ablate`: runs a paper's table. Each row x seed is a cell; finished cells are found and skipped."""

from __future__ import annotations

import os

from inceptionctl.commands import report
from inceptionctl.config.help import Command
from inceptionctl.config.hydra_main import run_hydra
from inceptionctl.errors import InceptionctlError, Interrupted
from inceptionctl.runs.paths import MANIFEST
from inceptionctl.scheduling.preview import show_table
from inceptionctl.scheduling.run import run_plans
from inceptionctl.scheduling.submit import submit_many
from inceptionctl.scheduling.table import plan_table
from inceptionctl.scheduling.table_announce import announce
from inceptionctl.scheduling.table_manifest import write_manifest
from inceptionctl.scheduling.table_plan import TablePlan
from inceptionctl.terminal import console as make_console

ABLATE = Command(
    "ablate",
    "Runs a paper's table: each row with each seed is a cell, a run of its own. Finished cells are found and skipped, "
    "so the same command again continues; it ends with the report. Settings apply to every row; those that a row "
    "changes cannot be overridden.",
    (
        "inceptionctl ablate",
        "inceptionctl ablate table=residual seeds=5 --dry-run",
        "inceptionctl ablate 'seeds=[5,6]' train.epochs=16 name=longer",
        "inceptionctl ablate scale=imagenet data.root=DIR launch=slurm name=imagenet",
    ),
)


def main(argv: list[str]) -> int:
    run_hydra(ABLATE, argv, plan_table, _run, _preview)
    return 0


def _preview(table: TablePlan) -> None:
    show_table(table, make_console())


def _run(table: TablePlan) -> None:
    """Raises InceptionctlError if cells fail, after the report, and Interrupted with the command that continues."""
    console, plans = make_console(), table.to_run()
    announce(table, console)
    if plans and table.on_slurm:
        submit_many(plans, table.table.name, table.folder, console)
        write_manifest(table)
        return
    write_manifest(table)
    interrupted = Interrupted(f"interrupted: checkpoints are kept; this command continues\n  {table.command}")
    try:
        codes = run_plans(plans, console) if plans else {}
    except KeyboardInterrupt:
        raise interrupted from None
    if not os.path.lexists(table.folder / MANIFEST):
        raise InceptionctlError(f"{table.folder} was removed while its cells ran; again: {table.command}")
    report.show(table.folder)
    if Interrupted.exit_code in codes.values():
        raise interrupted
    if failed := [label for label, code in codes.items() if code]:
        raise InceptionctlError(
            f"{len(failed)} of {len(table.runs)} cells failed: {', '.join(failed)} (their logs are named above)"
        )
