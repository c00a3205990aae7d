"""Submits scripts by sbatch."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict

from inceptionctl import processes
from inceptionctl.config.launch import Slurm
from inceptionctl.errors import InceptionctlError, RequestError, warn
from inceptionctl.launch.slurm.clients import NoAnswerError, SlurmError, checked, run

SBATCH_SECONDS = 300.0  # a busy controller may need minutes
RETRYING = "sleeping and retrying"  # sbatch says so when the queue is full, and tries again for two minutes
FULL = (
    RETRYING,
    "Resource temporarily unavailable",
    "SubmitJob",
    "job submit limit",
)  # MaxJobCount; limits of QOS, account
NAMED_LIMIT = ("QOS", "Assoc")  # sbatch names the limit before "... policy (job submit limit, user's size ...)"
RESOURCES = ("partition", "account", "qos", "nodes", "gpus_per_node", "cpus_per_gpu", "mem", "time", "constraint")


class QueueFullError(SlurmError):
    """The site takes no more jobs at present."""


def submit(script: str, *options: str, arguments: Sequence[str] = ()) -> str:
    """Submits the file `script`: the new job's id. Raises NoAnswerError if it may have been accepted all the same,
    QueueFullError, and SlurmError for another refusal."""
    return _sbatch("--parsable", *options, script, *arguments).strip().partition(";")[0]


def warn_if_missing() -> None:
    """For a dry run, which asks the site nothing."""
    if not shutil.which("sbatch"):
        warn("there is no Slurm on this machine (sbatch is not found): submit from a login node of the cluster")


def check_accepted(script: str, launch: Slurm) -> None:
    """Asks the site whether it would accept this job. Raises RequestError with the site's reason, QueueFullError and
    NoAnswerError."""
    try:
        _sbatch("--test-only", script=script)
    except NoAnswerError as error:
        raise NoAnswerError(
            f"Slurm's controller does not answer: {error}\n  nothing was submitted: the same command again does so"
        ) from error
    except QueueFullError as error:
        raise QueueFullError(f"{error}\n  nothing was submitted: try the same command later") from error
    except SlurmError as error:
        raise _refusal(str(error), launch) from error


def _sbatch(*words: str, script: str = "") -> str:
    command = ["sbatch", *words]
    try:
        return checked(command, lambda: processes.run_until(RETRYING, command, script.encode(), SBATCH_SECONDS))
    except NoAnswerError:
        raise
    except SlurmError as error:
        if _is_full(str(error)):
            raise QueueFullError(f"Slurm takes no more jobs at present: {error}") from error
        raise


def _is_full(message: str) -> bool:
    """A limit that is named, such as QOSMaxWallDurationPerJobLimit, is another one than that of jobs unless it says
    so."""
    names_other = "SubmitJob" not in message and message.startswith(NAMED_LIMIT)
    return any(text in message for text in FULL) and not names_other


def _refusal(message: str, launch: Slurm) -> InceptionctlError:
    if "partition" in message and launch.partition:
        return RequestError(f"launch.partition = {launch.partition}: {message}\n  partitions: {_partitions()}")
    requested = {key: value for key, value in asdict(launch).items() if key in RESOURCES and value is not None}
    listed = ", ".join(f"launch.{key} = {value}" for key, value in requested.items())
    return RequestError(f"Slurm refuses this job: {message}\n  requested: {listed}\n  partitions: {_partitions()}")


def _partitions() -> str:
    """Each with the number of its nodes, their CPUs, memory in MB, GPUs, and its time limit."""
    try:
        return "; ".join(run("sinfo", "--noheader", "--format=%R (%D nodes, %c CPUs, %m MB, %G, %l)").splitlines())
    except InceptionctlError:
        return "unknown"
