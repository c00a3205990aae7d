"""`inceptionctl cancel [DIR]`: stops what is queued or running there. What runs is told to save first (a job has the
site's KillWait for that), and the command that began it goes on from its last checkpoint."""

from __future__ import annotations

import argparse
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from inceptionctl.commands.status import OUTPUTS
from inceptionctl.errors import RequestError
from inceptionctl.launch.slurm import clients
from inceptionctl.launch.slurm.jobs import ACTIVE
from inceptionctl.runs.state import is_ours, launcher
from inceptionctl.scheduling.monitor import RunStatus, collect_status


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="inceptionctl cancel", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dir", nargs="?", type=Path, default=OUTPUTS, help="as for status (default: %(default)s)")
    folder = parser.parse_args(argv).dir
    view = collect_status(folder)
    found = [entry for entry in view.entries if entry.open]
    jobs = [entry.job for entry in found if entry.job]
    reports = [view.report.id] if view.report and view.report.state in ACTIVE else []
    clients.cancel([*reports, *jobs])
    commands = _stop_commands([entry for entry in found if not entry.job])
    said = [f"{len(jobs)} jobs cancelled"] if jobs else []
    said += [f"{len(commands)} commands told to save and stop"] if commands else []
    print("; ".join(said) or f"nothing is queued or running in {folder}")
    return 0


def _stop_commands(running: Sequence[RunStatus]) -> set[int]:
    """The commands on this machine that work on these runs. Raises RequestError for one on another."""
    found = set()
    for entry in running:
        assert entry.cell.run is not None, "it runs"
        host, process = launcher(entry.cell.run)
        if host not in ("", socket.gethostname()):
            raise RequestError(f"{entry.cell.run.path} is worked on by process {process} of {host}: cancel it there")
        if not host or not is_ours(process):
            raise RequestError(
                f"{entry.cell.run.path} is worked on by no command that says where it is: stop that worker, or look "
                "again if it has just ended"
            )
        found.add(process)
    for process_id in found:
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGTERM)
    return found
