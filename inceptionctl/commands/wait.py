"""`inceptionctl wait [DIR]`: returns when nothing there is queued or running any more; 0 if all is done, 1 if not."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from inceptionctl.commands.status import OUTPUTS, show
from inceptionctl.errors import InceptionctlError
from inceptionctl.scheduling.monitor import StatusReport, collect_status

BETWEEN_CELLS_S = 1.0  # a command that ends one begins the next at once


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="inceptionctl wait", description=__doc__)
    parser.add_argument("dir", nargs="?", type=Path, default=OUTPUTS, help="as for status (default: %(default)s)")
    parser.add_argument("--every", type=float, default=10.0, metavar="S", help="seconds between looks (%(default)g)")
    asked = parser.parse_args(argv)
    view = until_ended(asked.dir, asked.every)
    show(view)
    if left := [entry.cell.label for entry in view.entries if entry.state != "done"]:
        raise InceptionctlError(f"{len(left)} of {len(view.entries)} are not done: {', '.join(left)}")
    return 0


def until_ended(folder: Path, every_s: float) -> StatusReport:
    """Says when something changes."""
    before = ""
    while True:
        view = collect_status(folder)
        if not view.going_on:
            time.sleep(BETWEEN_CELLS_S)
            if not (view := collect_status(folder)).going_on:
                return view
        if view.summary != before:
            print(view.summary, flush=True)
        before = view.summary
        time.sleep(every_s)
