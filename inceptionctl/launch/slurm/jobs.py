"""The states of many runs' jobs, by one squeue and one sacct."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from inceptionctl.errors import InceptionctlError
from inceptionctl.launch.slurm.clients import Job, accounted, queued

ACTIVE = {"PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD", "RESIZING",
          "STAGE_OUT", "SIGNALING", "STOPPED", "SPECIAL_EXIT", "REQUEUE_FED", "RESV_DEL_HOLD"}  # fmt: skip


def active(ids: Iterable[str]) -> set[str]:
    """Those of `ids` that are queued or running."""
    return {job.id for job in queued(_bases(ids)).values() if job.state in ACTIVE}


def look_up(ids: Iterable[str]) -> dict[str, Job]:
    """What the controller knows about each job, or accounting about one that the controller has forgotten. Empty if
    neither answers: the runs' own files can still be read."""
    wanted, found = set(ids), dict[str, Job]()
    with suppress(InceptionctlError):  # no Slurm here, or a controller that is down
        found = _select(queued(_bases(wanted)), wanted)
    ended = {job for job in wanted if job not in found or found[job].state not in ACTIVE}
    known = _select(accounted(_bases(ended)), ended)
    return found | {job: entry for job, entry in known.items() if job not in found or entry.state not in ACTIVE}


def _select(known: Mapping[str, Job], wanted: Iterable[str]) -> dict[str, Job]:
    """Of an array that was cancelled before any task began, only the whole array is known."""
    found = {job: known.get(job) or known.get(job.partition("_")[0]) for job in wanted}
    return {job: entry for job, entry in found.items() if entry}


def _bases(ids: Iterable[str]) -> list[str]:
    """The arrays instead of their tasks, of which there may be hundreds."""
    return sorted({job.partition("_")[0] for job in ids})
