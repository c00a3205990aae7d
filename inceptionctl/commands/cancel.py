"""`inceptionctl cancel [DIR]`: stops every run that is queued or running."""

from __future__ import annotations

import argparse
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress

from inceptionctl.commands.status import folder_parser
from inceptionctl.errors import RequestError, count, warn
from inceptionctl.launch.slurm import clients
from inceptionctl.runs.launcher import is_alive, launcher
from inceptionctl.runs.paths import RunDir
from inceptionctl.scheduling.monitor import collect_status

DESCRIPTION = (
    "Stops every run that is queued or running. A running one saves a checkpoint first (a job has the site's KillWait "
    "for that), and the command that began it continues from there."
)


def main(argv: list[str]) -> int:
    folder = make_parser().parse_args(argv).dir
    report = collect_status(folder)
    open_runs = [run for run in report.runs if run.open]
    jobs = [run.job for run in open_runs if run.job]
    behind = [run.follows for run in open_runs if run.follows]  # first, or they would start
    clients.cancel([*([report.open_report.id] if report.open_report else []), *behind, *jobs])
    processes = _stop_commands([run.run for run in open_runs if run.run and not run.job])
    for run in report.runs:
        if run.files.damage and run.state != "done":
            warn(f"{run.label}: {run.files.damage}")
    parts = [f"cancelled {count(len(jobs), 'job')}"] if jobs else []
    parts += [f"told {count(len(processes), 'command')} to save and stop"] if processes else []
    print("; ".join(parts) or f"nothing is queued or running in {folder}")
    return 0


def make_parser() -> argparse.ArgumentParser:
    return folder_parser("cancel", DESCRIPTION)


def _stop_commands(running: Sequence[RunDir]) -> set[int]:
    """Sends SIGTERM to the commands on this machine that work on these runs: their processes. Raises RequestError if
    one works elsewhere, or cannot be found."""
    processes = {_launcher_here(run) for run in running}
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
    return processes


def _launcher_here(run: RunDir) -> int:
    found = launcher(run)
    if found and found.host != socket.gethostname():
        raise RequestError(f"{run.path} is run by process {found.process} on {found.host}: cancel it there")
    if not found or not is_alive(found):
        raise RequestError(
            f"no launcher is recorded for {run.path}: stop its worker by hand, or retry if it has just ended"
        )
    return found.process
