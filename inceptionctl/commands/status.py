"""`inceptionctl status [DIR]`: what is running, queued, finished, failed, on this machine and on Slurm."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from inceptionctl.scheduling.monitor import RunStatus, StatusReport, collect_status

OUTPUTS = Path("outputs")
COLOURS = {
    "done": "green",
    "running": "cyan",
    "starting": "cyan",
    "queued": "dim",
    "requeued": "yellow",
    "waiting": "dim",
}
WAITING = ("queued", "requeued", "waiting")
WIDE = 160  # where there is no terminal to fit into


def main(argv: list[str]) -> int:
    asked = _parser().parse_args(argv)
    view = collect_status(asked.dir)
    if asked.json:
        print(json.dumps([as_json(entry) for entry in view.entries], indent=2))
    else:
        show(view)
    return 0


def show(view: StatusReport) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    console.print(_table(view.entries))
    for entry in view.entries:
        if entry.reason and entry.state not in WAITING:
            console.print(
                f"[dim]{escape(entry.cell.label)}:[/] {escape(entry.reason)}", highlight=False, soft_wrap=True
            )
    console.print(view.summary, highlight=False)


def as_json(entry: RunStatus) -> dict[str, Any]:
    run, files = entry.cell.run, entry.files
    return {
        "cell": entry.cell.label,
        "run": str(run.path) if run else None,
        "job": entry.job,
        "state": entry.state,
        "node": entry.node or None,
        "epoch": files.epoch,
        "images_per_s": files.images_per_s,
        "top1_error": files.error,
        "restarts": files.restarts,
        "reason": entry.reason or None,
    }


def _table(found: Sequence[RunStatus]) -> Table:
    """Names give way to figures where the terminal is narrow; reasons that take more than a word stand below."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("cell")
    for column in ("job", "state"):
        table.add_column(column, no_wrap=True)
    table.add_column("node", overflow="fold")
    for column in ("epoch", "images/s", "error %", "restarts"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("reason" if any(map(_waits_for, found)) else "", overflow="fold")
    for entry in found:
        colour, files = COLOURS.get(entry.state, "red"), entry.files
        figures = (
            _number(files.epoch, ".2f"), _number(files.images_per_s, ".0f"), _number(files.error, ".2f"),
            str(files.restarts or ""),
        )  # fmt: skip
        state = f"[{colour}]{entry.state}[/]"
        table.add_row(escape(entry.cell.label), entry.job or "", state, entry.node, *figures, escape(_waits_for(entry)))
    return table


def _waits_for(entry: RunStatus) -> str:
    """Slurm's word for why a job has not begun."""
    return entry.reason if entry.state in WAITING else ""


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="inceptionctl status", description=__doc__)
    parser.add_argument(
        "dir", nargs="?", type=Path, default=OUTPUTS, help="a run's folder, a table's, or all (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="for other programs")
    return parser
