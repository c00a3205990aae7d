"""`inceptionctl clean [DIR ...]`: lists the checkpoints that nothing reads any more, and removes them with --yes."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from inceptionctl.arguments import Parser
from inceptionctl.arguments import folder as folder_argument
from inceptionctl.errors import CheckpointError, InceptionctlError, bytes_text, count, warn
from inceptionctl.files import from_here
from inceptionctl.runs.label import label_of
from inceptionctl.runs.removable import Removable
from inceptionctl.scheduling.clean import Cleaning, look
from inceptionctl.terminal import NO_TERMINAL_WIDTH, PlainConsole

OUTPUTS = Path("outputs")
SCHEMA = 1  # of --json
DESCRIPTION = (
    "Lists the checkpoints of finished runs that nothing reads any more, with their sizes; --yes removes them. The "
    "newest and the best stay, for eval, predict and export; so do results, metrics and logs. A run that is not "
    "finished is left alone unless its own folder is named."
)


def main(argv: list[str]) -> int:
    asked = make_parser().parse_args(argv)
    cleaning = look(asked.folders or [OUTPUTS], asked.all)
    failed = _remove(cleaning) if asked.yes else []
    if asked.json:
        print(json.dumps(_as_json(cleaning, failed, removed=asked.yes), indent=2))
    else:
        _show(cleaning)
        print(_summary(cleaning, failed, argv, asked.yes))
    if failed:
        raise InceptionctlError(f"{count(len(failed), 'run')} of {len(cleaning.found)} could not be cleaned")
    return 0


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="inceptionctl clean", description=DESCRIPTION)
    parser.add_argument(
        "folders", nargs="*", type=folder_argument, metavar="DIR",
        help=f"folders of runs, of tables, or of many of them (default: {OUTPUTS})",
    )  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="remove what is listed")
    parser.add_argument(
        "--all", action="store_true",
        help="the newest and the best checkpoint too: the run cannot be evaluated or exported any more",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")
    return parser


def _remove(cleaning: Cleaning) -> list[Removable]:
    """Those that could not be cleaned, each with a warning."""
    failed = []
    for one in cleaning.found:
        try:
            one.remove()
        except CheckpointError as error:
            warn(f"{error}; nothing of {from_here(one.run.path)} is removed")
            failed.append(one)
        except OSError as error:
            warn(f"{from_here(one.run.path)}: cannot remove {error.filename}: {error.strerror}")
            failed.append(one)
    return failed


def _show(cleaning: Cleaning) -> None:
    console = PlainConsole()
    if not console.is_terminal:
        console = PlainConsole(width=NO_TERMINAL_WIDTH)
    if cleaning.found:
        console.print(_table(cleaning))
    for one in cleaning.left_alone:
        console.print(
            f"left alone: {from_here(one.run.path)}: {one.reason}", markup=False, highlight=False, soft_wrap=True
        )


def _table(cleaning: Cleaning) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("run", overflow="fold")
    table.add_column("label", overflow="fold")
    for column in ("checkpoints", "stay", "size"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in cleaning.found:
        unfinished = f" + {len(one.unfinished)} unfinished" if one.unfinished else ""
        numbers = f"{len(one.checkpoints)}{unfinished}", str(len(one.staying)), bytes_text(one.bytes)
        table.add_row(escape(from_here(one.run.path)), escape(label_of(one.run)), *numbers)
    return table


def _summary(cleaning: Cleaning, failed: list[Removable], argv: list[str], removed: bool) -> str:
    if not cleaning.found:
        stays = "" if "--all" in argv else ": the newest and the best checkpoint of each run stay, but with --all"
        return f"there is nothing to remove{stays}"
    done = [one for one in cleaning.found if one not in failed]
    size = bytes_text(sum(one.bytes for one in done))
    if removed:
        return f"removed {size} of {count(len(done), 'run')}"
    return f"{size} of {count(len(done), 'run')} can be removed: inceptionctl clean --yes {shlex.join(argv)}".rstrip()


def _as_json(cleaning: Cleaning, failed: list[Removable], removed: bool) -> dict[str, Any]:
    runs = [
        {
            "run": str(one.run.path),
            "checkpoints": [str(path) for path in one.paths],
            "bytes": one.bytes,
            "removed": removed and one not in failed,
        }
        for one in cleaning.found
    ]
    left_alone = [{"run": str(one.run.path), "reason": one.reason} for one in cleaning.left_alone]
    return {"schema": SCHEMA, "runs": runs, "left_alone": left_alone}
