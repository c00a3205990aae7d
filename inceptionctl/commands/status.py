"""`inceptionctl status [DIR]`: the state of every run, on this machine and on Slurm."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from inceptionctl.arguments import Parser, folder
from inceptionctl.scheduling.monitor import StatusReport, collect_status
from inceptionctl.scheduling.run_status import RunStatus

OUTPUTS = Path("outputs")
SCHEMA = 1  # of --json
WAITING = ("queued", "requeued", "waiting")
COLOURS = {"done": "green", "running": "cyan", "starting": "cyan", "queued": "dim", "requeued": "yellow",
           "waiting": "dim"}  # fmt: skip
NO_TERMINAL_WIDTH = 160


def main(argv: list[str]) -> int:
    arguments = make_parser().parse_args(argv)
    report = collect_status(arguments.dir)
    if arguments.json:
        print(json.dumps({"schema": SCHEMA, "runs": [run.as_json() for run in report.runs]}, indent=2))
    else:
        show(report)
    return 0


def make_parser() -> argparse.ArgumentParser:
    parser = folder_parser("status", "Shows the state of every run, on this machine and on Slurm.")
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")
    return parser


def folder_parser(command: str, description: str) -> argparse.ArgumentParser:
    parser = Parser(prog=f"inceptionctl {command}", description=description)
    parser.add_argument(
        "dir", nargs="?", type=folder, default=OUTPUTS, metavar="DIR",
        help="folder of a run, of a table, or of many of them (default: %(default)s)",
    )  # fmt: skip
    return parser


def show(report: StatusReport) -> None:
    """A table of the runs, then the reasons that do not fit into it."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=NO_TERMINAL_WIDTH)
    console.print(_table(report.runs))
    for run in report.runs:
        if run.reason and run.state not in WAITING:
            console.print(f"[dim]{escape(run.label)}:[/] {escape(run.reason)}", highlight=False, soft_wrap=True)
    console.print(report.summary, highlight=False)


def _table(runs: Sequence[RunStatus]) -> Table:
    """On a narrow terminal names are folded before numbers are cut."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("cell")
    for column in ("job", "state"):
        table.add_column(column, no_wrap=True)
    table.add_column("node", overflow="fold")
    for column in ("epoch", "images/s", "error %", "restarts"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("reason" if any(map(_waits_for, runs)) else "", overflow="fold")
    for run in runs:
        state = f"[{COLOURS.get(run.state, 'red')}]{run.state}[/]"
        table.add_row(
            escape(run.label), run.job or "", state, escape(run.node), *_numbers(run), escape(_waits_for(run))
        )
    return table


def _numbers(run: RunStatus) -> list[str]:
    files = run.files
    formats = ((files.epoch, ".2f"), (files.images_per_s, ".0f"), (files.error, ".2f"), (files.restarts or None, ""))
    return ["" if value is None else format(value, form) for value, form in formats]


def _waits_for(run: RunStatus) -> str:
    """Slurm's word for why a job has not begun."""
    return run.reason if run.state in WAITING else ""
