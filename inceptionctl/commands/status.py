"""`inceptionctl status [DIR]`: the state of every run, on this machine and on Slurm."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from inceptionctl.arguments import Parser, folder
from inceptionctl.errors import count
from inceptionctl.runs.settings import short_names, shown
from inceptionctl.scheduling.listing import OWN, ListedRun, Listing, list_runs
from inceptionctl.scheduling.monitor import StatusReport, collect_status, is_table
from inceptionctl.scheduling.run_status import RunStatus
from inceptionctl.terminal import NO_TERMINAL_WIDTH, PlainConsole

OUTPUTS = Path("outputs")
SCHEMA = 1  # of --json
WAITING = ("queued", "requeued", "waiting")
COLOURS = {"done": "green", "running": "cyan", "starting": "cyan", "queued": "dim", "requeued": "yellow",
           "waiting": "dim", "unknown": "yellow"}  # fmt: skip
MOST_SETTINGS = 6  # columns


def main(argv: list[str]) -> int:
    arguments = make_parser().parse_args(argv)
    report = collect_status(arguments.dir)
    asked = arguments.json or arguments.sort or arguments.filter
    listing = list_runs(report.runs, with_settings=bool(asked) or not is_table(arguments.dir))
    listing = listing.filtered(arguments.filter)
    if arguments.sort:
        listing = listing.sorted(arguments.sort)
    if arguments.json:
        print(json.dumps(_as_json(report, listing), indent=2))
    else:
        show(report, listing)
    return 0


def _as_json(report: StatusReport, listing: Listing) -> dict[str, Any]:
    keys = listing.keys
    return {
        "schema": SCHEMA,
        "runs": [run.as_json(keys) for run in listing.runs],
        "reports": [{"job": job.id, "state": job.state.lower()} for job in report.reports],
        "slurm": str(report.silence) if report.silence else None,
        "until_resolved": asdict(report.growth) if report.growth else None,
    }


def make_parser() -> argparse.ArgumentParser:
    parser = folder_parser("status", "Shows the state of every run, on this machine and on Slurm.")
    parser.add_argument(
        "--sort", metavar="NAME", help=f"sort by {', '.join(OWN)}, or a setting in which the runs differ"
    )
    parser.add_argument(
        "--filter", metavar="KEY=VALUE", action="append", default=[],
        help="only runs with this state, label or setting, such as state=done or 'optim=rms*'; may be given again",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")
    return parser


def folder_parser(command: str, description: str) -> argparse.ArgumentParser:
    parser = Parser(prog=f"inceptionctl {command}", description=description)
    parser.add_argument(
        "dir", nargs="?", type=folder, default=OUTPUTS, metavar="DIR",
        help="folder of a run, of a table, or of many of them (default: %(default)s)",
    )  # fmt: skip
    return parser


def show(report: StatusReport, listing: Listing | None = None) -> None:
    """A table of the runs, then the reasons that do not fit into it."""
    console = PlainConsole()
    if not console.is_terminal:
        console = PlainConsole(width=NO_TERMINAL_WIDTH)
    listing = listing or list_runs(report.runs, with_settings=False)
    keys = listing.keys
    console.print(_table(listing.runs, keys[:MOST_SETTINGS]))
    for run in (listed.status for listed in listing.runs):
        said_below = report.silence and run.is_unknown and not run.files.damage
        if run.reason and run.state not in WAITING and not said_below:
            console.print(f"[dim]{escape(run.label)}:[/] {escape(run.reason)}", highlight=False, soft_wrap=True)
    if left := keys[MOST_SETTINGS:]:
        console.print(f"they differ in {', '.join(left)} too: --json lists these", highlight=False, soft_wrap=True)
    if len(listing.runs) < len(report.runs):
        console.print(f"{len(listing.runs)} of {count(len(report.runs), 'run')} shown (--filter)", highlight=False)
    if report.silence:
        console.print(f"Slurm could not be asked: {escape(str(report.silence))}", highlight=False, soft_wrap=True)
    console.print(report.summary, highlight=False)
    if grows := report.growth:
        said = f"until resolved: {grows.seeds} of up to {grows.max_seeds} seeds of each row so far"
        console.print(said, highlight=False)


def _table(runs: Sequence[ListedRun], keys: Sequence[str]) -> Table:
    """On a narrow terminal names are folded before numbers are cut."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("cell")
    names = short_names(keys)
    for heading in ("label", *names.values()):
        table.add_column(heading if any(map(_label, runs)) or heading != "label" else "", overflow="fold")
    for column in ("job", "state"):
        table.add_column(column, no_wrap=True)
    table.add_column("node", overflow="fold")
    for column in ("epoch", "images/s", "error %", "restarts"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("reason" if any(_waits_for(run.status) for run in runs) else "", overflow="fold")
    for listed in runs:
        run = listed.status
        settings = [shown(listed.settings[key]) if key in listed.settings else "" for key in names]
        state = f"[{COLOURS.get(run.state, 'red')}]{run.state}[/]"
        words = [escape(run.label), escape(_label(listed)), *map(escape, settings), run.job or "", state]
        table.add_row(*words, escape(run.node), *_numbers(run), escape(_waits_for(run)))
    return table


def _label(run: ListedRun) -> str:
    """Nothing where the cell's name says it already."""
    return "" if run.label in run.status.label else run.label


def _numbers(run: RunStatus) -> list[str]:
    files = run.files
    formats = ((files.epoch, ".2f"), (files.images_per_s, ".0f"), (files.error, ".2f"), (files.restarts or None, ""))
    return ["" if value is None else format(value, form) for value, form in formats]


def _waits_for(run: RunStatus) -> str:
    """Slurm's word for why a job has not begun."""
    return run.reason if run.state in WAITING else ""
