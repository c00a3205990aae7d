"""`inceptionctl sync [DIR]`: sends to trackers what they have not got."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

from inceptionctl.arguments import Parser
from inceptionctl.arguments import folder as folder_argument
from inceptionctl.errors import InceptionctlError, RequestError, count, unknown, warn
from inceptionctl.files import from_here
from inceptionctl.scheduling.sync import Sync, Trackers, sync
from inceptionctl.trackers.settings import NAMES

OUTPUTS = Path("outputs")
SCHEMA = 1  # of --json
DESCRIPTION = (
    "Sends to trackers the rows of metrics.jsonl, and the reports of tables, that they have not got: those of runs "
    "whose tracker failed or was killed. A run in progress sends its rows itself."
)


def main(argv: list[str]) -> int:
    asked = make_parser().parse_intermixed_args(argv)
    folders = [word for word in asked.words if "=" not in word]
    if len(folders) > 1:
        raise RequestError(f"sync takes one folder: {' and '.join(folders)} are {len(folders)}")
    folder = folder_argument(folders[0]) if folders else OUTPUTS
    trackers = _trackers(asked.tracker, [word for word in asked.words if "=" in word])
    done, output = list[Sync](), sys.stdout
    with redirect_stdout(sys.stderr):  # trackers print there
        for one in sync(folder, trackers, warn):
            done.append(one)
            if not asked.json:
                print(_described(one), file=output, flush=True)
    if not done:
        raise RequestError(f"there is no run in {folder}\n  name the folder of a run, of a table or of many of them")
    if asked.json:
        print(json.dumps({"schema": SCHEMA, "sent": [one.as_json() for one in done]}, indent=2))
    if failed := [one for one in done if one.outcome == "failed"]:
        raise InceptionctlError(f"{count(len(failed), 'folder')} of {len(done)} failed; the same command tries again")
    return 0


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="inceptionctl sync", description=DESCRIPTION)
    parser.add_argument(
        "words", nargs="*", metavar="DIR | tracker.KEY=VALUE",
        help=f"folder of a run, of a table, or of many of them (default: {OUTPUTS}); settings of --tracker",
    )  # fmt: skip
    parser.add_argument(
        "--tracker", action="append", type=_tracker, choices=NAMES, default=[], metavar="NAME",
        help=f"send to this one, instead of each run's own: {', '.join(NAMES)}; may be given several times",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")
    return parser


def _tracker(name: str) -> str:
    if name not in NAMES:
        raise unknown("tracker", name, NAMES, f"--tracker {name}")
    return name


def _trackers(names: list[str], settings: list[str]) -> Trackers | None:
    """None: each run's own."""
    if not names:
        if settings:
            raise RequestError(f"{settings[0]} has no effect without --tracker: a run's own tracker keeps its settings")
        return None
    from inceptionctl.config.compose import compose
    from inceptionctl.config.validate import parse

    if others := [word for word in settings if not word.startswith("tracker.")]:
        raise RequestError(f"{others[0]}: sync takes settings of trackers, such as tracker.wandb.project=NAME")
    return parse(compose("train", [f"tracker=[{','.join(names)}]", *settings])).tracker.chosen


def _described(one: Sync) -> str:
    where, to = from_here(one.folder), f" {one.tracker}" if one.tracker else ""
    what = {"run": "", "report": " report"}[one.what]
    rows = f" {one.sent} of {count(one.rows, 'row')}" if one.what == "run" and one.outcome == "sent" else ""
    note = f" ({one.note})" if one.note and one.outcome in ("sent", "up to date") else ""
    return f"{where}{what}:{to} {one.outcome}{rows}{note}"
