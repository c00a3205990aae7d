"""The state of one run, from its files and what Slurm knows about its last job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inceptionctl.launch.slurm.clients import Job
from inceptionctl.launch.slurm.jobs import ACTIVE, Answers
from inceptionctl.launch.slurm.submission import RunJob, job_log
from inceptionctl.runs.logs import notices, tail_of, why_ended
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.starts import has_started, last_job
from inceptionctl.runs.state import RunState, launched_here

# Final states of a job that tell more than the run's files do.
JOB_ENDS = {
    "CANCELLED": "cancelled",
    "TIMEOUT": "out of time",
    "OUT_OF_MEMORY": "out of memory",
    "NODE_FAIL": "node failed",
    "BOOT_FAIL": "node failed",
    "PREEMPTED": "pre-empted",
    "DEADLINE": "out of time",
}
OPEN = {"queued", "requeued", "starting", "running"}
UNKNOWN = "unknown"  # whether the job is queued, runs or has ended
IN_FLIGHT = "the command that submitted it left before Slurm's answer: look again in half a minute"
OUT_OF_MEMORY = ("oom", "memory limit", "out of memory")
LOG_LINES = 3  # of a job's log, where its ranks never started


@dataclass(frozen=True)
class RunStatus:
    """A line of `status`: `run` is None for a cell that has not begun, `job` is Slurm's id, `reason` says why it is
    waiting or how it ended; `follows`: a job that is queued behind `job`, which works on the run."""

    label: str
    run: RunDir | None
    state: str
    files: RunState
    job: str | None = None
    node: str = ""
    reason: str = ""
    follows: str | None = None

    @property
    def open(self) -> bool:
        return self.state in OPEN

    @property
    def is_unknown(self) -> bool:
        return self.state == UNKNOWN

    def as_json(self) -> dict[str, Any]:
        return {
            "cell": self.label,
            "run": str(self.run.path) if self.run else None,
            "job": self.job,
            "state": self.state,
            "node": self.node or None,
            "epoch": self.files.epoch,
            "images_per_s": self.files.images_per_s,
            "top1_error": self.files.error,
            "restarts": self.files.restarts,
            "reason": self.reason or None,
        }


def status_of(label: str, run: RunDir | None, files: RunState, jobs: Sequence[RunJob], slurm: Answers) -> RunStatus:
    """`jobs`: the last two, of which the second may be queued behind the first."""
    if len(jobs) == 2 and (first := slurm.job_of(jobs[0])) and first.state in ACTIVE:
        status = _status_of(label, run, files, jobs[0], slurm)
        return replace(status, follows=slurm.id_of(jobs[1]) if slurm.job_of(jobs[1]) else None)
    return _status_of(label, run, files, jobs[-1] if jobs else None, slurm)


def _status_of(label: str, run: RunDir | None, files: RunState, last: RunJob | None, slurm: Answers) -> RunStatus:
    if run is None:
        return RunStatus(label, None, "waiting", files, reason="not begun")
    if last and slurm.is_unknown(last) and _needs_slurm(run, files, last):
        why = f"Slurm could not be asked: {slurm.silence}" if slurm.silence else IN_FLIGHT
        return RunStatus(label, run, UNKNOWN, files, last.id, files.node, files.damage or why)
    if last is None or files.state == "done" or not (name := slurm.id_of(last)):
        reason = _reason(run, files, files.state, None)
        return RunStatus(label, run, files.state, files, last.id if last else None, files.node, reason)
    job, log = slurm.job_of(last), job_log(name, last.submission)
    state = _state(run, files, job, log)
    if files.state in ("running", "starting") and not (job and job.state in ACTIVE):  # by a command on this machine
        return RunStatus(label, run, state, files, None, files.node, _reason(run, files, state, None))
    if job and state in ("queued", "requeued"):
        return RunStatus(label, run, state, files, name, reason=job.reason)
    if job is None and files.state == "new" and not log.is_file():
        forgotten = f"Slurm has forgotten this job, and there is no log of it in {log.parent}"
        return RunStatus(label, run, "lost", files, name, reason=forgotten)
    began = has_started(run, last.submission)
    silent = not began and state not in ("running", "starting", *JOB_ENDS.values())
    reason = _before_python(log) if silent and not files.damage else _reason(run, files, state, log)
    return RunStatus(label, run, state, files, name, job.node if job and job.node else files.node, reason)


def _needs_slurm(run: RunDir, files: RunState, last: RunJob) -> bool:
    """Whether the run's files do not tell by themselves what became of its last job."""
    if not last.own or files.state == "done" or launched_here(run):
        return False
    return not (files.state == "failed" and last.id and last.id == last_job(run))


def _state(run: RunDir, files: RunState, job: Job | None, log: Path) -> str:
    """Slurm's controller decides for a job that it still has; for one that has ended, the run's files may tell more."""
    if job and job.state == "PENDING":
        return "requeued" if files.restarts or files.node else "queued"
    if job and job.state in ACTIVE:
        return "starting" if not run.lock.is_file() or run.exit.is_file() else "running"
    if files.state in ("running", "starting"):
        return files.state
    if job and job.state in JOB_ENDS:
        return JOB_ENDS[job.state]
    if _ran_out_of_memory(log):
        return "out of memory"
    return "failed" if files.state == "new" and (job or log.is_file()) else files.state


def _reason(run: RunDir, files: RunState, state: str, log: Path | None) -> str:
    """What else there is to say about a run in this state; `log`: of its job."""
    if files.damage:
        return files.damage
    if state == "done":
        return ""
    if state == "new":
        return "not begun"
    if state in OPEN:
        return next(reversed(notices(run.log(), files.log_bytes)), "")
    if state == "out of memory":
        return f"raise launch.mem (memory per node) or lower data.workers; log: {log}"
    if state in ("failed", "stopped"):
        message, newest = why_ended(run)
        return f"{message}; log: {newest}" if newest.is_file() else message
    said = notices(log) if log and state == "lost" else []  # by the job's script, which outlived its ranks
    newest = log or run.log()
    return "; ".join([*said[-1:], *([f"log: {newest}"] if newest.is_file() else [])])


def _before_python(log: Path) -> str:
    """Why a job ended before its ranks started."""
    if not log.is_file():
        return f"the job left no log; do the nodes see {log.parent}? outputs= must be on a shared file system"
    lines = [line for line in tail_of(log).splitlines() if line.strip()]
    return f"the job ended before Python started: {' / '.join(lines[-LOG_LINES:]) or 'its log is empty'}; log: {log}"


def _ran_out_of_memory(log: Path) -> bool:
    text = tail_of(log).lower()
    return any(word in text for word in OUT_OF_MEMORY)
