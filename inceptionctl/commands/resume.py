"""`inceptionctl resume RUN_DIR`: continues an interrupted run from its last checkpoint."""

from __future__ import annotations

import argparse

from inceptionctl.arguments import Parser, folder
from inceptionctl.errors import RequestError
from inceptionctl.files import FileError, from_here
from inceptionctl.runs.damage import read_result
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
        raise RequestError(f"there is no folder {run.path}")
    if run.is_evaluation:
        raise RequestError(f"{from_here(run.path)} is an evaluation: the same `inceptionctl eval` goes on with it")
    if run.finished:
        _check_finished(run)
        console.print(f"{run.path} is finished: nothing to resume")
        return 0
    run_one(with_default_nproc(resumed_plan(run, arguments.settings)), console)
    return 0


def _check_finished(run: RunDir) -> None:
    """Raises RequestError if the result cannot be read."""
    try:
        read_result(run)
    except FileError as error:
        raise RequestError(f"{error}\n  train with the same settings makes a new attempt") from error


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="inceptionctl resume", description=DESCRIPTION)
    parser.add_argument("run", type=folder, metavar="RUN_DIR", help="folder of the run")
    parser.add_argument(
        "settings",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="settings to change, such as launch.nproc=2 or data.workers=4",
    )
    return parser
