"""`inceptionctl resume RUN_DIR`: continues an interrupted run from its last checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path

from inceptionctl.errors import RequestError
from inceptionctl.runs.paths import RunDir
from inceptionctl.scheduling.placement import with_default_nproc
from inceptionctl.scheduling.resume import resumed_plan
from inceptionctl.scheduling.run import run_one
from inceptionctl.terminal import console as make_console

DESCRIPTION = (
    "Continues an interrupted run from its last complete checkpoint and ends bit for bit as if it had not been "
    "interrupted. With another number of ranks, threads or data workers it sees the same images in the same batches, "
    "but does not end with the same bits."
)


def main(argv: list[str]) -> int:
    arguments = make_parser().parse_args(argv)
    run, console = RunDir(arguments.run), make_console()
    if not run.path.is_dir():
        raise RequestError(f"{run.path} is not a folder")
    if run.finished:
        console.print(f"{run.path} is finished: nothing to resume")
        return 0
    run_one(with_default_nproc(resumed_plan(run, arguments.settings)), console)
    return 0


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="inceptionctl resume", description=DESCRIPTION)
    parser.add_argument("run", type=Path, metavar="RUN_DIR", help="folder of the run")
    parser.add_argument(
        "settings", nargs="*", metavar="KEY=VALUE", help="settings to change, such as launch.nproc=2 or data.workers=4"
    )
    return parser
