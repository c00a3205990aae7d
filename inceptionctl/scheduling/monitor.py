"""The states of all runs in a folder, from their files, one squeue and one sacct."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.errors import InceptionctlError, RequestError, count, warn
from inceptionctl.files import FileError
from inceptionctl.launch.slurm.clients import Job
from inceptionctl.launch.slurm.jobs import ACTIVE, ask_about
from inceptionctl.launch.slurm.submission import RunJob, jobs_of, report_jobs
from inceptionctl.runs.find import RunIndex, is_run_folder, runs_below
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import MANIFEST, RunDir
from inceptionctl.runs.records.table import ManifestCell, ManifestRow, TableManifest, cell_label
from inceptionctl.runs.state import RunState, run_state
from inceptionctl.scheduling.run_status import RunStatus, status_of
from inceptionctl.scheduling.table_seeds import seeds_in


@dataclass(frozen=True)
class Growth:
    """How many seeds a row has, and how many later looks may bring it to."""

    seeds: int
    max_seeds: int


@dataclass(frozen=True)
class StatusReport:
    """The state of all runs in a folder. `reports`: the jobs that write the table's report, oldest first, and
    `unknown_reports`, how many more may be queued for all that is known; `silence`: why Slurm could not be asked, None
    if it answered or did not need to be asked; `growth`: of a table that runs until it is resolved."""

    runs: list[RunStatus]
    reports: list[Job]
    unknown_reports: int = 0
    silence: InceptionctlError | None = None
    growth: Growth | None = None

    @property
    def open(self) -> bool:
        """Whether anything is queued or running, or may be."""
        return any(run.open or run.is_unknown for run in self.runs) or bool(self.open_reports or self.unknown_reports)

    @property
    def open_reports(self) -> list[Job]:
        return [job for job in self.reports if job.state in ACTIVE]

    @property
    def not_done(self) -> list[str]:
        return [run.label for run in self.runs if run.state != "done"]

    @property
    def summary(self) -> str:
        """How many runs are in which state."""
        states = ", ".join(f"{n} {state}" for state, n in Counter(run.state for run in self.runs).most_common())
        reports = (f"job {job.id} {job.state.lower()}" for job in self.open_reports or self.reports[-1:])
        told = ", ".join([*reports, *(["unknown"] if self.unknown_reports else [])])
        return f"{count(len(self.runs), 'run')}: {states}{f'; report: {told}' if told else ''}"


def collect_status(folder: Path) -> StatusReport:
    """Asks Slurm at most once, by one squeue and one sacct, and only about runs that are not done; by one squeue more
    where an earlier command left before Slurm's answer. Raises RequestError for a folder without runs."""
    runs, reports = runs_in(folder), [job for job in report_jobs(folder) if job.own]
    files = {label: run_state(run) if run else RunState("new") for label, run in runs.items()}
    last = {label: jobs[-2:] for label, run in runs.items() if run and (jobs := _jobs_of(run))}
    not_done = [job for label, jobs in last.items() for job in jobs if job.own and files[label].state != "done"]
    answers = ask_about([*not_done, *reports])
    statuses = [status_of(label, run, files[label], last.get(label, []), answers) for label, run in runs.items()]
    found = [job for report in reports if (job := answers.job_of(report))]
    return StatusReport(statuses, found, sum(map(answers.is_unknown, reports)), answers.silence, growth_of(folder))


def runs_in(folder: Path) -> dict[str, RunDir | None]:
    """By label: the cells of a table, the runs below a folder, or the run that `folder` is. Raises RequestError if it
    holds none; warns of a damaged manifest."""
    if is_run_folder(folder):
        return {folder.resolve().name: RunDir(folder)}
    if is_table(folder):
        try:
            return _cells_of_table(folder)
        except FileError as error:
            warn(f"{error}\n  the runs in the folder are listed instead of the table's cells")
    found = runs_below(folder)
    if not found:
        raise RequestError(
            f"no run in {folder}: name the folder of a run, of a table, or one that holds them (outputs)"
        )
    return {str(run.path.relative_to(folder)): run for run in found}


def growth_of(folder: Path) -> Growth | None:
    """Of a table whose later looks may add seeds; None of any other folder."""
    with suppress(FileError):
        manifest = read_record(folder / MANIFEST, TableManifest)
        found = Growth(len(seeds_in(manifest)), manifest.max_seeds or 0)
        return found if found.seeds < found.max_seeds else None
    return None


def is_table(folder: Path) -> bool:
    """Whether the folder is that of a table, whose rows say what its runs are."""
    return os.path.lexists(folder / MANIFEST)


def _cells_of_table(folder: Path) -> dict[str, RunDir | None]:
    """Their runs are found by identity, in the table's own folder or else under whatever name; and the evaluations in
    the folder that are not finished. Raises FileError."""
    manifest = read_record(folder / MANIFEST, TableManifest)
    index = RunIndex.of_table(folder, manifest.found_in)
    cells = [one for row in manifest.rows for cell in row.cells for one in _runs_of_cell(row, cell)]
    begun = [run for run in runs_below(folder) if run.is_evaluation and not run.finished]
    found = {label: index.newest(identity) for label, identity in cells}
    return found | {f"evaluation {run.path.name}": run for run in begun}


def _runs_of_cell(row: ManifestRow, cell: ManifestCell) -> list[tuple[str, str]]:
    """(label, identity): one, or those of an ensemble's networks."""
    label = cell_label(row.label, cell.seed)
    networks = [(f"{label}, network {number}", identity) for number, identity in enumerate(cell.members, 1)]
    return networks or [(label, cell.identity)]


def _jobs_of(run: RunDir) -> list[RunJob]:
    """None for a damaged file, which `run_state` names."""
    try:
        return jobs_of(run)
    except FileError:
        return []
