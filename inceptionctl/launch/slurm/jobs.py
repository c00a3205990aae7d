"""What Slurm knows about the jobs of many runs, by one squeue and one sacct. What could not be asked is not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inceptionctl.errors import InceptionctlError
from inceptionctl.launch.slurm.clients import Job, NoAnswerError, accounted, commented, queued
from inceptionctl.launch.slurm.requests import settle
from inceptionctl.launch.slurm.submission import RunJob

ACTIVE = {"PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD", "RESIZING",
          "STAGE_OUT", "SIGNALING", "STOPPED", "SPECIAL_EXIT", "REQUEUE_FED", "RESV_DEL_HOLD"}  # fmt: skip
# Accounting lags behind the controller, which may have requeued a job that ended otherwise.
FINAL = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "DEADLINE"}


@dataclass(frozen=True)
class Answers:
    """`jobs`: what the controller knows about each, or accounting about one that the controller has forgotten;
    `accepted`: ids of jobs that were not noted, by the words of their requests; `silence`: why the controller could not
    be asked, None if it answered."""

    jobs: Mapping[str, Job]
    accepted: Mapping[str, str]
    silence: InceptionctlError | None = None

    def id_of(self, one: RunJob) -> str | None:
        """None if it is not known, or if there is no such job."""
        return one.id or one.id_in(self.accepted)

    def job_of(self, one: RunJob) -> Job | None:
        id = self.id_of(one)
        return self.jobs.get(id) if id else None

    def is_unknown(self, one: RunJob) -> bool:
        """Whether it may be queued or running for all that is known."""
        if self.silence:
            return self.job_of(one) is None
        return self.id_of(one) is None and bool(one.unanswered and one.unanswered.is_in_flight)


def ask_about(submitted: Iterable[RunJob]) -> Answers:
    """Never raises: `Answers.silence` says what kept Slurm from being asked."""
    asked = [*submitted]
    accepted, known, silence = dict[str, str](), dict[str, Job](), None
    try:
        accepted = commented(one.unanswered.word for one in asked if one.unanswered)
        wanted = {id for one in asked if (id := one.id or one.id_in(accepted))}
        known = _select(queued(_bases(wanted)), wanted)
    except InceptionctlError as error:
        wanted, silence = {one.id for one in asked if one.id}, error
    ended = {id for id in wanted if id not in known or known[id].state not in ACTIVE}
    told = _select(accounted(_bases(ended)), ended)
    counts = {id: job for id, job in told.items() if _counts(job, known.get(id), silence)}
    return Answers({**known, **counts}, accepted, silence)


def queued_jobs(jobs: Iterable[RunJob]) -> dict[RunJob, str]:
    """Those that are queued or running, with their ids; finds out about requests without an answer. Raises
    NoAnswerError."""
    asked = [*jobs]
    try:
        accepted = settle(one.unanswered for one in asked if one.unanswered)
        ids = {one: id for one in asked if (id := one.id or one.id_in(accepted))}
        active = active_jobs(ids.values())
    except NoAnswerError as error:
        remedy = "nothing was submitted: try again when it answers"
        raise NoAnswerError(f"Slurm could not be asked what is queued: {error}\n  {remedy}") from error
    return {one: id for one, id in ids.items() if id in active}


def active_jobs(ids: Iterable[str]) -> set[str]:
    """Those of `ids` that are queued or running. Raises NoAnswerError."""
    return {job.id for job in queued(_bases(ids)).values() if job.state in ACTIVE}


def _counts(told: Job, known: Job | None, silence: InceptionctlError | None) -> bool:
    """Whether accounting's word on a job counts beside the controller's."""
    if silence:
        return told.state in FINAL
    return known is None or told.state not in ACTIVE


def _select(known: Mapping[str, Job], wanted: Iterable[str]) -> dict[str, Job]:
    """Of an array that was cancelled before any task began, only the whole array is known."""
    found = {job: known.get(job) or known.get(job.partition("_")[0]) for job in wanted}
    return {job: entry for job, entry in found.items() if entry}


def _bases(ids: Iterable[str]) -> list[str]:
    """The arrays instead of their tasks, of which there may be hundreds."""
    return sorted({job.partition("_")[0] for job in ids})
