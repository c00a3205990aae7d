"""`inceptionctl cancel [DIR]`: stops every run that is queued or running."""

from __future__ import annotations

import argparse
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from inceptionctl.commands.status import folder_parser
from inceptionctl.errors import InceptionctlError, RequestError, count, warn
from inceptionctl.files import for_shell
from inceptionctl.launch.slurm import clients
from inceptionctl.runs.launcher import is_alive, launcher
from inceptionctl.runs.paths import RunDir
from inceptionctl.scheduling.monitor import StatusReport, collect_status
from inceptionctl.scheduling.run_status import IN_FLIGHT

DESCRIPTION = (
    "Stops every run that is queued or running. A running one saves a checkpoint first (a job has the site's KillWait "
    "for that), and the command that began it continues from there."
)
NAMED = 5  # runs that a message names


def main(argv: list[str]) -> int:
    folder = make_parser().parse_args(argv).dir
    report = collect_status(folder)
    open_runs = [run for run in report.runs if run.open]
    jobs = [run.job for run in open_runs if run.job]
    behind = [run.follows for run in open_runs if run.follows]  # first, or they would start
    _cancel([*(job.id for job in report.open_reports), *behind, *jobs], folder)
    processes = _stop_commands([run.run for run in open_runs if run.run and not run.job])
    for run in report.runs:
        if run.files.damage and run.state != "done":
            warn(f"{run.label}: {run.files.damage}")
    parts = [f"cancelled {count(len(jobs), 'job')}"] if jobs else []
    parts += [f"told {count(len(processes), 'command')} to save and stop"] if processes else []
    _check_all_known(report, folder, parts)
    print("; ".join(parts) or f"nothing is queued or running in {folder}")
    return 0


def _cancel(jobs: Sequence[str], folder: Path) -> None:
    """Raises SlurmError, with the remedy."""
    try:
        clients.cancel(jobs)
    except clients.SlurmError as error:
        again = f"when Slurm answers: inceptionctl cancel {for_shell(folder)}"
        raise type(error)(f"not cancelled: {', '.join(jobs[:NAMED])}: {error}\n  {again}") from error


def _check_all_known(report: StatusReport, folder: Path, done: Sequence[str]) -> None:
    """Raises InceptionctlError if more may be queued or running; RequestError where there is no Slurm to ask."""
    unknown = [run for run in report.runs if run.is_unknown]
    if not unknown and not report.unknown_reports:
        return
    if done:
        print("; ".join(done))
    named = [f"{run.label}{f' (job {run.job})' if run.job else ''}" for run in unknown] or ["the report"]
    more = f" and {count(len(named) - NAMED, 'other')}" if len(named) > NAMED else ""
    why = f"Slurm could not be asked: {report.silence}" if report.silence else IN_FLIGHT
    raise (RequestError if isinstance(report.silence, RequestError) else InceptionctlError)(
        f"not cancelled, and may be queued or running: {'; '.join(named[:NAMED])}{more}\n  {why}\n"
        f"  when Slurm answers: inceptionctl cancel {for_shell(folder)}"
    )


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
