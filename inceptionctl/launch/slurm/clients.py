"""Slurm's command-line programs: their output as values, their failures as our errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from inceptionctl import processes
from inceptionctl.config.launch import Slurm
from inceptionctl.errors import InceptionctlError, RequestError

SQUEUE_FORMAT = "--format=%i|%T|%N|%r"
SACCT_FORMAT = "--format=JobID,State,NodeList,ExitCode"
UNREACHABLE = ("contact slurm controller", "Connection refused", "configuration source")
RESOURCES = ("partition", "account", "qos", "nodes", "gpus_per_node", "cpus_per_gpu", "mem", "time", "constraint")
DEFAULT_MAX_ARRAY_SIZE = 1001  # Slurm's own


class SlurmError(InceptionctlError):
    """A Slurm program failed; the message is its own."""


@dataclass(frozen=True)
class Job:
    """A job, or a task of an array ("12_3"), with Slurm's word for its state (RUNNING) and the reason for it."""

    id: str
    state: str
    node: str
    reason: str


def run(*words: str, stdin: str = "") -> str:
    """Runs a program: its output. Raises RequestError if it is not installed, SlurmError if it fails."""
    try:
        done = processes.run(words, stdin.encode())
    except FileNotFoundError:
        raise RequestError(
            f"there is no Slurm on this machine ({words[0]} is not found)\n"
            "  run this on a login node of the cluster, or use launch=local"
        ) from None
    if done.code:
        lines = [line.removeprefix(f"{words[0]}: ").removeprefix("error: ") for line in done.message.splitlines()]
        raise SlurmError("; ".join(line for line in lines if line.strip()) or f"{words[0]} exited {done.code}")
    return done.text


def check_accepted(script: str, launch: Slurm) -> None:
    """Asks the site whether it would accept this job. Raises RequestError with the site's reason."""
    try:
        run("sbatch", "--test-only", stdin=script)
    except SlurmError as error:
        raise _refusal(str(error), launch) from error


def submit(script: str, *options: str, arguments: Sequence[str] = ()) -> str:
    """Submits the file `script`: the new job's id. Raises SlurmError."""
    return run("sbatch", "--parsable", *options, script, *arguments).strip().partition(";")[0]


def queued(ids: Sequence[str]) -> dict[str, Job]:
    """What the controller knows about the jobs with these ids, and about all tasks of arrays: one squeue."""
    if not ids:
        return {}
    try:
        output = run("squeue", "--noheader", "--array", "--states=all", f"--jobs={','.join(ids)}", SQUEUE_FORMAT)
    except SlurmError as error:
        if "Invalid job id" in str(error):  # the controller forgets a job some minutes after its end
            return {}
        raise
    rows = [_four(line) for line in output.splitlines()]
    return {job: Job(job, state, nodes, reason) for ids, state, nodes, reason in rows for job in tasks(ids)}


def accounted(ids: Sequence[str]) -> dict[str, Job]:
    """What accounting knows about these jobs, by one sacct; empty where a site keeps no accounts."""
    if not ids:
        return {}
    try:
        output = run("sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={','.join(ids)}", SACCT_FORMAT)
    except InceptionctlError:
        return {}
    return {
        job: Job(job, state.split()[0], "" if nodes.startswith("None") else nodes, f"exit {code}")
        for ids, state, nodes, code in map(_four, output.splitlines())
        for job in tasks(ids)
    }


def cancel(ids: Iterable[str]) -> None:
    """Jobs that have ended are ignored."""
    if words := list(ids):
        run("scancel", "--quiet", *words)


def max_array_size() -> int:
    """How many tasks an array may have at this site."""
    for line in run("scontrol", "show", "config").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "MaxArraySize":
            return int(value)
    return DEFAULT_MAX_ARRAY_SIZE


def tasks(ids: str) -> list[str]:
    """The jobs that a row is about: array tasks that were cancelled before they began share one, `12_[0-2,5%2]`."""
    array, bracket, listed = ids.partition("[")
    if not bracket:
        return [ids]
    ranges = [part.partition("-") for part in listed.rstrip("]").partition("%")[0].split(",")]
    return [f"{array}{n}" for first, _, last in ranges for n in range(int(first), int(last or first) + 1)]


def _four(line: str) -> tuple[str, str, str, str]:
    first, second, third, fourth = line.split("|", 3)
    return first, second, third, fourth


def _refusal(message: str, launch: Slurm) -> InceptionctlError:
    if any(text in message for text in UNREACHABLE):
        return InceptionctlError(f"Slurm's controller does not answer: {message}")
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
