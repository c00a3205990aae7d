"""What is submitted at once: its scripts, its arrays and their jobs, in a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.config.schema import Slurm
from inceptionctl.errors import warn
from inceptionctl.launch.slurm import clients
from inceptionctl.launch.slurm.script import job_script, report_script
from inceptionctl.runs.paths import RunDir, read_json, read_rows, write_json, write_text


@dataclass(frozen=True)
class Submitted:
    """Ids of the jobs: one, or arrays; of the report's, if there is one."""

    jobs: list[str]
    report: str | None


def new_folder(parent: Path) -> Path:
    """`parent`/slurm/0, 1, ...: exclusive, so that two commands never share one."""
    for n in range(10**6):
        folder = parent.absolute() / "slurm" / str(n)
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        (folder / "log").mkdir()
        return folder
    raise AssertionError("there is always another number")


def submit_run(launch: Slurm, label: str, run: RunDir) -> Submitted:
    """One job. Raises SlurmError, as `submit_table` does."""
    here = new_folder(run.path)
    name, cells = label.replace(" ", "-"), {label: run.path.absolute()}
    _write(here / "submit.sh", job_script(launch, here, name, cells, array=False, report=False))
    job = clients.submit(str(here / "submit.sh"))
    _note(run, job, here)
    return Submitted([job], None)


def submit_table(launch: Slurm, name: str, table: Path, runs: Mapping[str, RunDir], limit: int) -> Submitted:
    """Arrays of at most `limit` tasks, one a cell, and the report behind them. With a bound on cells at once, one array
    waits for the other: the bound is the table's."""
    here = new_folder(table)
    paths = {label: run.path.absolute() for label, run in runs.items()}
    _write(here / "submit.sh", job_script(launch, here, name, paths, array=True, report=True))
    _write(here / "report.sh", report_script(launch, here, name, table.absolute()))
    jobs = list[str]()
    try:
        for first, part in _parts(list(runs.values()), limit):
            jobs.append(_submit_part(launch, here, first, len(part), jobs))
            for task, run in enumerate(part):
                _note(run, f"{jobs[-1]}_{task}", here)
    finally:
        report = _submit_report(here, jobs, table) if jobs else None
        write_json(here / "submission.json", {"jobs": jobs, "report": report})
    return Submitted(jobs, report)


def jobs_of(run: RunDir) -> list[tuple[str, Path]]:
    """Id and submission of every job that the run has had, oldest first."""
    return [(row["job"], Path(row["submission"])) for row in read_rows(run.jobs)]


def job_log(job: str, submission: Path) -> Path:
    return submission / "log" / f"{job}.log"


def report_jobs(table: Path) -> list[str]:
    """Of every submission of the table, oldest first."""
    made = sorted(table.glob("slurm/*/submission.json"), key=lambda path: int(path.parent.name))
    found = (read_json(path).get("report") for path in made)
    return [str(job) for job in found if job]


def _parts(runs: Sequence[RunDir], limit: int) -> Iterator[tuple[int, Sequence[RunDir]]]:
    for first in range(0, len(runs), limit):
        yield first, runs[first : first + limit]


def _submit_part(launch: Slurm, here: Path, first: int, count: int, before: Sequence[str]) -> str:
    at_once = f"%{launch.array_parallelism}" if launch.array_parallelism else ""
    waits = [f"--dependency=afterany:{before[-1]}"] if before and at_once else []
    options = [f"--array=0-{count - 1}{at_once}", *waits]
    return clients.submit(str(here / "submit.sh"), *options, argument=str(first))


def _submit_report(here: Path, jobs: Sequence[str], table: Path) -> str | None:
    """A partition that takes only jobs with GPUs refuses this one: the cells matter more."""
    try:
        return clients.submit(str(here / "report.sh"), f"--dependency=afterany:{':'.join(jobs)}")
    except clients.SlurmError as error:
        warn(f"no job for the report ({error}): when all is done, run inceptionctl report {table}")
        return None


def _write(path: Path, text: str) -> None:
    write_text(path, text)
    path.chmod(0o755)


def _note(run: RunDir, job: str, submission: Path) -> None:
    with run.jobs.open("a") as file:
        file.write(json.dumps({"job": job, "submission": str(submission)}) + "\n")
