"""`inceptionctl wait [DIR]`: returns when no run is queued or running any more; 0 if all are done, 1 if not."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from inceptionctl.arguments import seconds
from inceptionctl.commands.status import folder_parser, show
from inceptionctl.errors import InceptionctlError, RequestError, warn
from inceptionctl.scheduling.monitor import StatusReport, collect_status

BETWEEN_RUNS_SECONDS = 1.0  # between the end of a cell and the start of the next, nothing seems to run
DESCRIPTION = "Waits until no run is queued or running any more. Exits with 0 if all are done and with 1 otherwise."


def main(argv: list[str]) -> int:
    arguments = make_parser().parse_args(argv)
    report = wait(arguments.dir, arguments.every)
    show(report)
    if report.not_done:
        labels = ", ".join(report.not_done)
        raise InceptionctlError(f"{len(report.not_done)} of {len(report.runs)} runs are not done: {labels}")
    return 0


def make_parser() -> argparse.ArgumentParser:
    parser = folder_parser("wait", DESCRIPTION)
    parser.add_argument(
        "--every", type=seconds, default=10.0, metavar="SECONDS", help="time between two looks (default: %(default)g)"
    )
    return parser


def wait(folder: Path, every_s: float) -> StatusReport:
    """Prints the summary whenever it changes: the last report. Goes on while Slurm does not answer, and says so once.
    Raises RequestError where there is no Slurm to ask."""
    before, silent = "", False
    while True:
        report = collect_status(folder)
        if isinstance(report.silence, RequestError):
            raise report.silence
        if not report.open:
            time.sleep(BETWEEN_RUNS_SECONDS)
            if not (report := collect_status(folder)).open:
                return report
        if report.silence and not silent:
            warn(f"Slurm does not answer ({report.silence}): it is asked again every {every_s:g} s")
        silent = report.silence is not None
        if report.summary != before:
            print(report.summary, flush=True)
        before = report.summary
        time.sleep(every_s)
