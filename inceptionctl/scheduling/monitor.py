"""The states of all runs in a folder, from their files, one squeue and one sacct."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.errors import RequestError, count
from inceptionctl.launch.slurm.clients import Job
from inceptionctl.launch.slurm.jobs import ACTIVE, look_up
from inceptionctl.launch.slurm.submission import jobs_of, report_jobs
from inceptionctl.runs.find import RunIndex
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import MANIFEST, RunDir
from inceptionctl.runs.records.table import TableManifest, cell_label
from inceptionctl.runs.state import RunState, run_state
from inceptionctl.scheduling.run_status import RunStatus, status_of


@dataclass(frozen=True)
class StatusReport:
    """The state of all runs in a folder; `report`: the queued job that writes the table's report, if there is one."""

    runs: list[RunStatus]
    report: Job | None

    @property
    def open(self) -> bool:
        """Whether anything is queued or running."""
        return any(run.open for run in self.runs) or bool(self.open_report)

    @property
    def open_report(self) -> Job | None:
        return self.report if self.report and self.report.state in ACTIVE else None

    @property
    def not_done(self) -> list[str]:
        return [run.label for run in self.runs if run.state != "done"]

    @property
    def summary(self) -> str:
        """How many runs are in which state."""
        states = ", ".join(f"{n} {state}" for state, n in Counter(run.state for run in self.runs).most_common())
        runs = f"{count(len(self.runs), 'run')}: {states}"
        return f"{runs}; report: job {self.report.id} {self.report.state.lower()}" if self.report else runs


def collect_status(folder: Path) -> StatusReport:
    """Asks Slurm at most once, by one squeue and one sacct, and only about runs that are not done. Raises RequestError
    for a folder without runs."""
    runs, reports = runs_in(folder), report_jobs(folder)[-1:]
    files = {label: run_state(run) if run else RunState("new") for label, run in runs.items()}
    last = {label: jobs[-1] for label, run in runs.items() if run and (jobs := jobs_of(run))}
    not_done = [job for label, (job, _) in last.items() if files[label].state != "done"]
    known = look_up([*not_done, *reports])
    statuses = [status_of(label, run, files[label], last.get(label), known) for label, run in runs.items()]
    return StatusReport(statuses, known.get(reports[0]) if reports else None)


def runs_in(folder: Path) -> dict[str, RunDir | None]:
    """By label: the cells of a table, the runs below a folder, or the run that `folder` is. Raises RequestError if it
    holds none."""
    if (folder / "config.yaml").is_file():
        return {folder.absolute().name: RunDir(folder)}
    if (folder / MANIFEST).is_file():
        return dict(_cells_of_table(folder))
    found = sorted(path.parent for path in (*folder.glob("*/config.yaml"), *folder.glob("*/*/config.yaml")))
    if not found:
        raise RequestError(
            f"no run in {folder}: name the folder of a run, of a table, or one that holds them (outputs)"
        )
    return {str(path.relative_to(folder)): RunDir(path) for path in found}


def _cells_of_table(folder: Path) -> Iterable[tuple[str, RunDir | None]]:
    """Their runs are found by identity, under whatever name."""
    index = RunIndex.of(folder.absolute().parent)
    for row in read_record(folder / MANIFEST, TableManifest).rows:
        for cell in row.cells:
            yield cell_label(row.label, cell.seed), index.newest(cell.identity)
