"""The jobs of a run and of a table's report, as jobs.jsonl and submission.json have them.

`python -m inceptionctl.launch.slurm.submission RUN_DIR JOB SUBMISSION` records a job that another one has submitted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inceptionctl.launch.slurm.requests import SubmissionFolder, Unanswered, place
from inceptionctl.runs.io import append_record, read_lines
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import Request, Submission, SubmittedJob
from inceptionctl.runs.starts import relative_to_run


@dataclass(frozen=True)
class RunJob:
    """A job that a run has had, or one that writes a table's report. `id`: None as long as it is not known whether
    Slurm accepted it; `submission`: the folder of its script; `own`: whether it was submitted for this very folder, and
    not for one that this is a copy of; `task`: of an array."""

    id: str | None
    submission: Path
    own: bool
    unanswered: Unanswered | None = None
    task: int | None = None

    def id_in(self, accepted: Mapping[str, str]) -> str | None:
        """Its id, if its request is among those that were accepted: ids by their words."""
        job = accepted.get(self.unanswered.word) if self.unanswered else None
        return _task_id(job, self.task) if job else None


def record_job(run: RunDir, job: str, submission: Path) -> None:
    """Raises OSError and RecordError."""
    _record(run, submission, job=job)


def record_request(run: RunDir, word: str, submission: Path, task: int | None = None) -> None:
    """Records a job that Slurm is about to be asked for. Raises OSError and RecordError."""
    _record(run, submission, request=word, task=task)


def jobs_of(run: RunDir) -> list[RunJob]:
    """Every job that the run has had, oldest first, but for those that Slurm refused. Raises RecordError."""
    here = place(run.path)
    found = (_run_job(run, row, here) for row in read_lines(run.jobs, SubmittedJob))
    return [job for job in found if job]


def job_log(job: str, submission: Path) -> Path:
    return submission / "log" / f"{job}.log"


def report_jobs(table: Path) -> list[RunJob]:
    """Those of every submission of the table, oldest first. Warns of a damaged file."""
    found = ((folder, folder.read()) for folder in map(SubmissionFolder, submissions(table)))
    return [
        _job_of(request, folder.here, _is_own(submission, place(table)))
        for folder, submission in found
        if submission
        for request in submission.requests
        if request.is_report
    ]


def _run_job(run: RunDir, row: SubmittedJob, here: Mapping[str, Any]) -> RunJob | None:
    submission = Path(os.path.normpath(Path(here["path"], row.submission)))
    own = _is_own(row, here)
    if row.request is None:
        return RunJob(row.job, submission, own)
    request = SubmissionFolder(submission).find(row.request)
    return _job_of(request, submission, own, row.task) if request else None


def _job_of(request: Request, submission: Path, own: bool, task: int | None = None) -> RunJob:
    if request.job:
        return RunJob(_task_id(request.job, task), submission, own)
    return RunJob(None, submission, own, Unanswered(request.word, request.asked, submission), task)


def _task_id(job: str, task: int | None) -> str:
    return job if task is None else f"{job}_{task}"


def _record(run: RunDir, submission: Path, **what: Any) -> None:  # noqa: ANN401  fields of the record
    here = place(run.path)
    relative = relative_to_run(RunDir(Path(here["path"])), str(submission)) or ""
    append_record(run.jobs, SubmittedJob(submission=relative, **what, **here))


def _is_own(record: SubmittedJob | Submission, here: Mapping[str, Any]) -> bool:
    """Nodes of a cluster may see a file system under another path, and some file systems change inodes."""
    return record.path is None or record.path == here["path"] or record.inode == here["inode"]


def submissions(parent: Path) -> list[Path]:
    """The folders of earlier submissions, oldest first."""
    found = [path for path in (parent.absolute() / "slurm").glob("*") if path.name.isdecimal()]
    return sorted(found, key=lambda path: int(path.name))


if __name__ == "__main__":
    record_job(RunDir(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3]))
