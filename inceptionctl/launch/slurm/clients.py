"""Slurm's own commands, asked in one place: what they answer as values, what they refuse as our errors."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from inceptionctl.config.schema import Slurm
from inceptionctl.errors import InceptionctlError, RequestError

QUEUE_COLUMNS = "--format=%i|%T|%N|%r"
COLUMNS = "--format=JobID,State,NodeList,ExitCode"
UNREACHABLE = ("contact slurm controller", "Connection refused", "configuration source")
ASKED = ("partition", "account", "qos", "nodes", "gpus_per_node", "cpus_per_gpu", "mem", "time", "constraint")


class SlurmError(InceptionctlError):
    """What a command of Slurm said when it failed."""


@dataclass(frozen=True)
class Job:
    """A job, or a task of an array ("12_3"), with Slurm's word for its state (RUNNING) and why it is in it."""

    id: str
    state: str
    node: str
    reason: str


def ask(*words: str, text: str | None = None) -> str:
    """What a command prints. Raises RequestError where there is no Slurm, SlurmError where it fails."""
    try:
        done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise RequestError(
            f"there is no Slurm on this machine ({words[0]} is not found)\n  log in to the cluster, or use launch=local"
        ) from None
    if done.returncode:
        said = [line.removeprefix(f"{words[0]}: ").removeprefix("error: ") for line in done.stderr.splitlines()]
        raise SlurmError("; ".join(line for line in said if line.strip()) or f"{words[0]} exited {done.returncode}")
    return done.stdout


def try_out(script: str, launch: Slurm) -> None:
    """Whether the site would take such a job, before anything is made. Raises RequestError with the site's words."""
    try:
        ask("sbatch", "--test-only", text=script)
    except SlurmError as error:
        raise _refused(str(error), launch) from error


def submit(script: str, *options: str, argument: str = "") -> str:
    """The new job's id. Raises SlurmError."""
    return ask("sbatch", "--parsable", *options, script, *([argument] if argument else [])).strip().partition(";")[0]


def queued(ids: Sequence[str]) -> dict[str, Job]:
    """What the controller knows of the jobs with these ids (arrays: all their tasks): one squeue."""
    if not ids:
        return {}
    try:
        found = ask("squeue", "--noheader", "--array", "--states=all", f"--jobs={','.join(ids)}", QUEUE_COLUMNS)
    except SlurmError as error:
        if "Invalid job id" in str(error):  # it forgets finished jobs after a while
            return {}
        raise
    rows = [_four(line) for line in found.splitlines()]
    return {job: Job(job, state, nodes, reason) for ids, state, nodes, reason in rows for job in tasks(ids)}


def accounted(ids: Sequence[str]) -> dict[str, Job]:
    """What accounting remembers, by one sacct; nothing where there is none."""
    if not ids:
        return {}
    try:
        found = ask("sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={','.join(ids)}", COLUMNS)
    except InceptionctlError:
        return {}
    return {
        job: Job(job, state.split()[0], _node(nodes), f"exit {code}")
        for ids, state, nodes, code in map(_four, found.splitlines())
        for job in tasks(ids)
    }


def cancel(ids: Iterable[str]) -> None:
    """Those that are no more are left alone."""
    if listed := list(ids):
        ask("scancel", "--quiet", *listed)


def max_array_size() -> int:
    """How many tasks an array may have at this site."""
    for line in ask("scontrol", "show", "config").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "MaxArraySize":
            return int(value)
    return 1001  # Slurm's own default


def tasks(ids: str) -> list[str]:
    """Those that a row is about: of tasks that were cancelled before they began there is one, `12_[0-2,5%2]`."""
    array, bracket, listed = ids.partition("[")
    if not bracket:
        return [ids]
    ranges = [part.partition("-") for part in listed.rstrip("]").partition("%")[0].split(",")]
    return [f"{array}{n}" for first, _, last in ranges for n in range(int(first), int(last or first) + 1)]


def _four(line: str) -> tuple[str, str, str, str]:
    one, two, three, four = line.split("|", 3)
    return one, two, three, four


def _node(nodes: str) -> str:
    return "" if nodes.startswith("None") else nodes


def _refused(said: str, launch: Slurm) -> InceptionctlError:
    if any(sign in said for sign in UNREACHABLE):
        return InceptionctlError(f"Slurm's controller does not answer: {said}")
    if "partition" in said and launch.partition:
        return RequestError(f"launch.partition = {launch.partition}: {said}\n  partitions: {_partitions()}")
    asked = {key: value for key, value in asdict(launch).items() if key in ASKED and value is not None}
    listed = ", ".join(f"launch.{key} = {value}" for key, value in asked.items())
    return RequestError(f"Slurm refuses this job: {said}\n  asked for: {listed}\n  partitions: {_partitions()}")


def _partitions() -> str:
    """Each with its nodes' number, CPUs, memory in MB, and what else they have."""
    try:
        return "; ".join(ask("sinfo", "--noheader", "--format=%R (%D nodes, %c CPUs, %m MB, %G, %l)").splitlines())
    except InceptionctlError:
        return "unknown"
