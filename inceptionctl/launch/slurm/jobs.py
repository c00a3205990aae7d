"""Where the jobs of many runs are, by one squeue and one sacct."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from inceptionctl.errors import InceptionctlError
from inceptionctl.launch.slurm.clients import Job, accounted, queued

ACTIVE = {"PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD", "RESIZING",
          "STAGE_OUT", "SIGNALING", "STOPPED", "SPECIAL_EXIT", "REQUEUE_FED", "RESV_DEL_HOLD"}  # fmt: skip


def active(ids: Iterable[str]) -> set[str]:
    """Those of `ids` that are queued or running."""
    return {job.id for job in queued(_bases(ids)).values() if job.state in ACTIVE}


def look_up(ids: Iterable[str]) -> dict[str, Job]:
    """What is known of each: by the controller, or, for those that it has forgotten, by accounting. Where neither
    answers, nothing: the files of the run are still there."""
    wanted = set(ids)
    found = dict[str, Job]()
    with suppress(InceptionctlError):  # no Slurm here, or a controller that is down
        found = {job: known for job, known in queued(_bases(wanted)).items() if job in wanted}
    ended = wanted - {job for job, known in found.items() if known.state in ACTIVE}
    for job, known in accounted(_bases(ended)).items():
        if job in ended and (job not in found or known.state not in ACTIVE):
            found[job] = known
    return found


def _bases(ids: Iterable[str]) -> list[str]:
    """Arrays, not their tasks: a list of 200 of those is long."""
    return sorted({job.partition("_")[0] for job in ids})
