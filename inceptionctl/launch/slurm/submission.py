"""Submits runs: the scripts of one submission and the logs of its jobs lie in a folder of their own.

`python -m inceptionctl.launch.slurm.submission RUN_DIR JOB SUBMISSION` records a job that another one has submitted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from inceptionctl.config.launch import Slurm
from inceptionctl.errors import warn
from inceptionctl.files import FileError
from inceptionctl.launch.slurm import clients
from inceptionctl.launch.slurm.script import job_script, report_script
from inceptionctl.runs.io import append_record, read_lines, read_record, write_record, write_text
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import Submission, SubmittedJob
from inceptionctl.runs.starts import relative_to_run


@dataclass(frozen=True)
class RunJob:
    """A job that a run has had. `submission`: the folder of its script; `own`: whether it was submitted for this very
    folder, and not for one that this is a copy of."""

    id: str
    submission: Path
    own: bool


def submit_run(launch: Slurm, label: str, run: RunDir) -> Submission:
    """Submits one job. Raises SlurmError, as `submit_table` does."""
    here = _new_folder(run.path)
    script = job_script(launch, here, label.replace(" ", "-"), {label: run.path.absolute()}, array=False)
    job = clients.submit(_write_script(here / "submit.sh", script))
    record_job(run, job, here)
    return Submission(jobs=[job], report=None)


def submit_table(launch: Slurm, name: str, table: Path, runs: Mapping[str, RunDir], array_size: int) -> Submission:
    """Submits arrays of at most `array_size` tasks, one task a run, and a job for the report after them."""
    here, in_order = _new_folder(table), list(runs.values())
    folders = {label: run.path.absolute() for label, run in runs.items()}
    _write_script(here / "submit.sh", job_script(launch, here, name, folders, array=True))
    _write_script(here / "report.sh", report_script(launch, here, name, table.absolute(), folders))
    jobs = list[str]()
    try:
        for first in range(0, len(in_order), array_size):
            part = in_order[first : first + array_size]
            jobs.append(_submit_array(launch, here, first, len(part), jobs))
            for task, run in enumerate(part):
                record_job(run, f"{jobs[-1]}_{task}", here)
    finally:
        report = _submit_report(here, jobs, table) if jobs else None
        submission = Submission(jobs=jobs, report=report, **_place(table))
        write_record(here / "submission.json", submission)
    return submission


def record_job(run: RunDir, job: str, submission: Path) -> None:
    """Raises OSError and RecordError."""
    place = _place(run.path)
    relative = relative_to_run(RunDir(Path(place["path"])), str(submission)) or ""
    append_record(run.jobs, SubmittedJob(job=job, submission=relative, **place))


def jobs_of(run: RunDir) -> list[RunJob]:
    """Every job that the run has had, oldest first. Raises RecordError."""
    here = _place(run.path)
    return [
        RunJob(row.job, Path(os.path.normpath(Path(here["path"], row.submission))), _is_own(row, here))
        for row in read_lines(run.jobs, SubmittedJob)
    ]


def record_report(submission: Path, job: str) -> None:
    """Records the job that writes the table's report instead of the one before. Raises FileError and OSError."""
    path = submission / "submission.json"
    write_record(path, replace(read_record(path, Submission), report=job))


def job_log(job: str, submission: Path) -> Path:
    return submission / "log" / f"{job}.log"


def report_jobs(table: Path) -> list[str]:
    """The report job of every submission of the table, oldest first. Warns of a damaged file."""
    files = [path for path in table.glob("slurm/*/submission.json") if path.parent.name.isdecimal()]
    found = [_submission(path) for path in sorted(files, key=lambda path: int(path.parent.name))]
    return [one.report for one in found if one and one.report and _is_own(one, _place(table))]


def _submission(path: Path) -> Submission | None:
    try:
        return read_record(path, Submission)
    except FileError as error:
        warn(str(error))
        return None


def _place(folder: Path) -> dict[str, Any]:
    """Path and inode of a folder, as its records have them."""
    return {"path": os.path.abspath(folder), "inode": folder.stat().st_ino}


def _is_own(record: SubmittedJob | Submission, here: Mapping[str, Any]) -> bool:
    """Nodes of a cluster may see a file system under another path, and some file systems change inodes."""
    return record.path is None or record.path == here["path"] or record.inode == here["inode"]


def _new_folder(parent: Path) -> Path:
    """`parent`/slurm/0, 1, ...; exclusive, so that two commands never share one."""
    (parent / "slurm").mkdir(parents=True, exist_ok=True)
    numbers = count()
    while True:
        folder = parent.absolute() / "slurm" / str(next(numbers))
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        (folder / "log").mkdir()
        return folder


def _write_script(path: Path, text: str) -> str:
    write_text(path, text)
    path.chmod(0o755)
    return str(path)


def _submit_array(launch: Slurm, here: Path, first: int, size: int, before: Sequence[str]) -> str:
    """With a limit on runs at a time, each array waits for the one before: the limit is the whole table's."""
    limit = f"%{launch.array_parallelism}" if launch.array_parallelism else ""
    dependency = [f"--dependency=afterany:{before[-1]}"] if before and limit else []
    return clients.submit(str(here / "submit.sh"), f"--array=0-{size - 1}{limit}", *dependency, arguments=[str(first)])


def _submit_report(here: Path, jobs: Sequence[str], table: Path) -> str | None:
    """A partition for GPU jobs only may refuse it, which must not stop the runs."""
    try:
        return clients.submit(str(here / "report.sh"), f"--dependency=afterany:{':'.join(jobs)}")
    except clients.SlurmError as error:
        warn(f"no job for the report ({error}): when the runs are done, run inceptionctl report {table}")
        return None


if __name__ == "__main__":
    record_job(RunDir(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3]))
