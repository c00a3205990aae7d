"""Submits runs: the scripts of one submission and the logs of its jobs lie in a folder of their own.

`python -m inceptionctl.launch.slurm.submission RUN_DIR JOB SUBMISSION` records a job that another one has submitted.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from inceptionctl.config.launch import Slurm
from inceptionctl.errors import warn
from inceptionctl.launch.slurm import clients
from inceptionctl.launch.slurm.script import job_script, report_script
from inceptionctl.runs.io import append_record, read_lines, read_record, write_record, write_text
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import Submission, SubmittedJob


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
    _write_script(here / "report.sh", report_script(launch, here, name, table.absolute()))
    jobs = list[str]()
    try:
        for first in range(0, len(in_order), array_size):
            part = in_order[first : first + array_size]
            jobs.append(_submit_array(launch, here, first, len(part), jobs))
            for task, run in enumerate(part):
                record_job(run, f"{jobs[-1]}_{task}", here)
    finally:
        report = _submit_report(here, jobs, table) if jobs else None
        submission = Submission(jobs=jobs, report=report)
        write_record(here / "submission.json", submission)
    return submission


def record_job(run: RunDir, job: str, submission: Path) -> None:
    append_record(run.jobs, SubmittedJob(job=job, submission=str(submission)))


def jobs_of(run: RunDir) -> list[tuple[str, Path]]:
    """Id and submission folder of every job that the run has had, oldest first."""
    return [(row.job, Path(row.submission)) for row in read_lines(run.jobs, SubmittedJob)]


def job_log(job: str, submission: Path) -> Path:
    return submission / "log" / f"{job}.log"


def report_jobs(table: Path) -> list[str]:
    """The report job of every submission of the table, oldest first."""
    files = sorted(table.glob("slurm/*/submission.json"), key=lambda path: int(path.parent.name))
    reports = (read_record(path, Submission).report for path in files)
    return [job for job in reports if job]


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
