"""Submits runs: the scripts of one submission and the logs of its jobs lie in a folder of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from inceptionctl.config.launch import Slurm
from inceptionctl.launch.slurm import clients
from inceptionctl.launch.slurm.requests import SubmissionFolder
from inceptionctl.launch.slurm.sbatch import QueueFullError
from inceptionctl.launch.slurm.script import job_script, report_script
from inceptionctl.launch.slurm.submission import record_request, submissions
from inceptionctl.runs.io import write_text
from inceptionctl.runs.paths import RunDir

JOB, REPORT = "submit.sh", "report.sh"


@dataclass
class TableSubmission:
    """Submits the runs of a table, by label, as arrays, one task a run; `queued`: those that are queued already. What
    `send` came to, however it ends: `jobs`, the ids of the arrays, and `sent`, the number of runs in them."""

    launch: Slurm
    name: str
    table: Path
    runs: Mapping[str, RunDir]
    queued: Mapping[str, RunDir] = field(default_factory=dict)
    jobs: list[str] = field(default_factory=list)
    sent: int = 0

    def send(self) -> None:
        """In several arrays where the site takes no longer ones. Raises SlurmError and Interrupted."""
        if not self.runs:
            return
        folder, runs, size = _new_folder(self.table), list(self.runs.values()), clients.max_array_size()
        paths = {label: run.path.absolute() for label, run in self.runs.items()}
        all_paths = paths | {label: run.path.absolute() for label, run in self.queued.items()}
        report = report_script(self.launch, folder.here, self.name, self.table.absolute(), all_paths)
        _write_script(folder.here / JOB, job_script(self.launch, folder.here, self.name, paths, array=True))
        _write_script(folder.here / REPORT, report)
        while self.sent < len(runs):
            part = runs[self.sent : self.sent + size]
            try:
                self.jobs.append(self._send_array(folder, part))
            except QueueFullError:
                if len(part) == 1:
                    raise
                size = len(part) // 2
                continue
            self.sent += len(part)

    def _send_array(self, folder: SubmissionFolder, runs: Sequence[RunDir]) -> str:
        """With a limit on runs at a time, each array waits for the one before: the limit is the whole table's."""
        limit = f"%{self.launch.array_parallelism}" if self.launch.array_parallelism else ""
        dependency = [f"--dependency=afterany:{self.jobs[-1]}"] if self.jobs and limit else []

        def note(word: str) -> None:
            for task, run in enumerate(runs):
                record_request(run, word, folder.here, task)

        array = f"--array=0-{len(runs) - 1}{limit}"
        return folder.ask(JOB, [array, *dependency], [str(self.sent)], comment_of(self.launch), note=note)


def submit_run(launch: Slurm, label: str, run: RunDir) -> str:
    """Submits one job: its id. Raises SlurmError and Interrupted."""
    folder = _new_folder(run.path)
    script = job_script(launch, folder.here, job_name(label), {label: run.path.absolute()}, array=False)
    _write_script(folder.here / JOB, script)
    return folder.ask(JOB, comment=comment_of(launch), note=lambda word: record_request(run, word, folder.here))


def submit_report(launch: Slurm, table: Path, after: Sequence[str]) -> str:
    """Submits the job that writes the table's report when the jobs `after` have ended, by the script of the newest
    submission: its id. Raises SlurmError and Interrupted."""
    folder = SubmissionFolder(submissions(table)[-1])
    dependency = f"--dependency=afterany:{':'.join(after)}"
    return folder.ask(REPORT, [dependency], comment=comment_of(launch), is_report=True)


def job_name(label: str) -> str:
    """Of the job of a run."""
    return label.replace(" ", "-")


def comment_of(launch: Slurm) -> str | None:
    """The user's own."""
    return (launch.extra or {}).get("comment")


def next_folder(parent: Path) -> Path:
    """The folder that the next submission of a run or table gets."""
    return next(folder for folder in _folders(parent) if not folder.exists())


def _folders(parent: Path) -> Iterator[Path]:
    return (parent.absolute() / "slurm" / str(number) for number in count())


def _new_folder(parent: Path) -> SubmissionFolder:
    """`parent`/slurm/0, 1, ...; exclusive, so that two commands never share one."""
    (parent / "slurm").mkdir(parents=True, exist_ok=True)
    for folder in _folders(parent):
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        break
    (folder / "log").mkdir()
    made = SubmissionFolder(folder)
    made.create()
    return made


def _write_script(path: Path, text: str) -> None:
    write_text(path, text)
    path.chmod(0o755)
