"""`inceptionctl ablate`: runs a paper's table. Each row x seed is a cell; finished cells are found and skipped."""

from __future__ import annotations

import json
import os
from functools import partial

from rich.console import Console

from inceptionctl.commands import report
from inceptionctl.config.compose import composer_for
from inceptionctl.config.flags import read_flags
from inceptionctl.config.help import Command
from inceptionctl.config.hydra_main import run_hydra
from inceptionctl.config.plan_flags import JSON, LIST, SAVE, take
from inceptionctl.describe import tables
from inceptionctl.errors import InceptionctlError, Interrupted, RequestError, warn
from inceptionctl.runs.paths import MANIFEST
from inceptionctl.scheduling import speed
from inceptionctl.scheduling.submit import submit_many
from inceptionctl.scheduling.sync import track_report
from inceptionctl.scheduling.table import plan_table
from inceptionctl.scheduling.table_announce import announce
from inceptionctl.scheduling.table_declared import save_plan
from inceptionctl.scheduling.table_evaluations import announce_following
from inceptionctl.scheduling.table_json import as_json
from inceptionctl.scheduling.table_manifest import write_manifest
from inceptionctl.scheduling.table_plan import TablePlan
from inceptionctl.scheduling.table_preview import show_table
from inceptionctl.scheduling.table_run import run_cells, run_until_resolved
from inceptionctl.scheduling.tuning import Tuning, run_tuning
from inceptionctl.terminal import console as make_console

HELP = {"--help", "-h"}
ABLATE = Command(
    "ablate",
    "Runs a paper's table: each row with each seed is a cell, a run of its own. Finished cells are found and skipped, "
    "so the same command again continues; it ends with the report. Settings apply to every row; those that a row "
    "changes cannot be overridden. switches= crosses switches instead of running a table.",
    (
        "inceptionctl ablate",
        "inceptionctl ablate table=residual seeds=5 --dry-run",
        "inceptionctl ablate 'seeds=[5,6]' train.epochs=16 name=longer",
        "inceptionctl ablate 'switches=[label_smoothing,bn_auxiliary]' mode=grid",
        "inceptionctl ablate until=resolved max_seeds=12 looks=4",
        "inceptionctl ablate scale=imagenet data.root=DIR launch=slurm name=imagenet",
    ),
    {
        LIST: f"list the tables and leave; with {tables.RECIPE}, also what each would cost on ImageNet",
        SAVE: "with --dry-run, write plan.json: what is expected, which the report then holds the results against",
        JSON: "with --dry-run or --list, print the plan or the tables as one JSON object, messages on the error stream",
    },
)


def main(argv: list[str]) -> int:
    flags, words = take(ABLATE.name, argv)
    if LIST in flags and not HELP & {*words}:
        _list(words, JSON in flags)
        return 0
    run_hydra(ABLATE, words, plan_table, _run, partial(_preview, flags))
    return 0


def _list(words: list[str], as_json: bool) -> None:
    """Raises RequestError for words that have no effect on the list."""
    flags = read_flags(words)
    given = [flag for flag in flags.given if flag != "--config-dir"]
    if others := [*given, *(word for word in flags.words if word != tables.RECIPE)]:
        raise RequestError(f"{others[0]} has no effect on --list: {tables.RECIPE} adds what the tables cost")
    listed = tables.listed_tables(composer_for(flags.config_dir), with_cost=bool(flags.words))
    if as_json:
        print(json.dumps(tables.as_json(listed), indent=2, allow_nan=False))
    else:
        print("\n".join(tables.as_lines(listed)))


def _preview(flags: frozenset[str], table: TablePlan) -> None:
    console = make_console(stderr=JSON in flags)
    if JSON in flags:
        print(json.dumps(as_json(table), indent=2, allow_nan=False))
    else:
        (speed.preview if table.table.metric == speed.METRIC else show_table)(table, console)
    if SAVE in flags:
        console.print(save_plan(table))


def _run(table: TablePlan) -> None:
    """Raises InceptionctlError if cells fail, after the report, and Interrupted with the command that continues."""
    console = make_console()
    if table.table.metric == speed.METRIC:
        speed.measure(table, console)
        return
    if table.design.tuning and not table.is_tuned:
        table = _tuned(table, table.design.tuning, console)
    plans = table.to_run()
    announce(table, console)
    if plans and table.on_slurm:
        submit_many(plans, table.folder, console, prepare=partial(write_manifest, table))
        announce_following(table, console)
        return
    interrupted = _interrupted(table)
    try:
        codes = (run_until_resolved if table.design.looks else run_cells)(table, console)
    except KeyboardInterrupt:
        raise interrupted from None
    if not os.path.lexists(table.folder / MANIFEST):
        raise InceptionctlError(f"{table.folder} was removed while its cells ran; again: {table.command}")
    report.show(table.folder)
    track_report(table.folder, table.first.config.tracker.chosen, warn)
    if Interrupted.exit_code in codes.values():
        raise interrupted
    if failed := [label for label, code in codes.items() if code]:
        raise InceptionctlError(
            f"{len(failed)} of {len(codes)} failed: {', '.join(failed)} (their logs are named above)"
        )


def _tuned(table: TablePlan, tuning: Tuning, console: Console) -> TablePlan:
    """The table with the learning rates that its runs on the dev split choose."""
    try:
        run_tuning(tuning, console)
    except KeyboardInterrupt:
        raise _interrupted(table) from None
    return table.again()


def _interrupted(table: TablePlan) -> Interrupted:
    how = ", without rerun=true, counting every finished run" if table.first.config.rerun else ""
    return Interrupted(f"interrupted: checkpoints are kept; this command continues{how}\n  {table.command}")
