"""`inceptionctl wait [DIR]`: returns when nothing there is queued or running any more; 0 if all is done, 1 if not."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from inceptionctl.commands.status import OUTPUTS, show, summary
from inceptionctl.commands.watch import Entry, cells_in, entries
from inceptionctl.errors import InceptionctlError

BETWEEN_CELLS_S = 1.0  # a command that ends one begins the next at once


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="inceptionctl wait", description=__doc__)
    parser.add_argument("dir", nargs="?", type=Path, default=OUTPUTS, help="as for status (default: %(default)s)")
    parser.add_argument("--every", type=float, default=10.0, metavar="S", help="seconds between looks (%(default)g)")
    asked = parser.parse_args(argv)
    found = until_ended(asked.dir, asked.every)
    show(found)
    if left := [entry.cell.label for entry in found if entry.state != "done"]:
        raise InceptionctlError(f"{len(left)} of {len(found)} are not done: {', '.join(left)}")
    return 0


def until_ended(folder: Path, every_s: float) -> list[Entry]:
    """Says when something changes."""
    before = ""
    while True:
        found = entries(cells_in(folder))
        if not going_on(found):
            time.sleep(BETWEEN_CELLS_S)
            if not going_on(found := entries(cells_in(folder))):
                return found
        if (now := summary(found)) != before:
            print(now, flush=True)
        before = now
        time.sleep(every_s)


def going_on(found: Sequence[Entry]) -> bool:
    return any(entry.open for entry in found)
