"""`python -m inceptionctl.launch.slurm.postpone SUBMISSION RUN_DIR...`, in the job of a table's report: submits the
report again behind the jobs that have followed those it waited for, so that there is one report, behind the last.

Exits with 0 if it did, with 1 if no such job is left.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from inceptionctl.errors import InceptionctlError, warn
from inceptionctl.launch.slurm.jobs import active_jobs
from inceptionctl.launch.slurm.requests import SubmissionFolder
from inceptionctl.launch.slurm.submission import jobs_of
from inceptionctl.launch.slurm.submit import REPORT
from inceptionctl.runs.paths import RunDir


def postpone(submission: Path, runs: Sequence[RunDir]) -> bool:
    """Whether the report was submitted again. Raises InceptionctlError."""
    jobs = {job.id for run in runs for job in jobs_of(run) if job.own and job.id}
    open_jobs = sorted(jobs & active_jobs(jobs))
    if not open_jobs:
        return False
    SubmissionFolder(submission).ask(REPORT, [f"--dependency=afterany:{':'.join(open_jobs)}"], is_report=True)
    return True


def main(words: Sequence[str]) -> int:
    try:
        return 0 if postpone(Path(words[0]), [RunDir(Path(run)) for run in words[1:]]) else 1
    except (InceptionctlError, OSError) as error:
        warn(f"the report is written now, and not behind runs that may go on: {error}")
        return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
