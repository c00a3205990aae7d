"""Asks Slurm, through its command-line programs: their output as values, their failures as our errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from inceptionctl import processes
from inceptionctl.errors import InceptionctlError, RequestError

SQUEUE_FORMAT = "--format=%i|%T|%N|%r"
COMMENT_FORMAT = "--format=%F|%k"  # id of the array or job, comment
SACCT_FORMAT = "--format=JobID,State,NodeList,ExitCode"
ANSWER_SECONDS = 120.0  # squeue itself gives up sooner when the controller is away, unless a site says otherwise
UNREACHABLE = ("contact slurm controller", "Connection refused", "configuration source", "timed out", "standby mode",
               "Zero Bytes were transmitted", "Communication connection failure", "Communication message")  # fmt: skip
FORGOTTEN = "Invalid job id"
DEFAULT_MAX_ARRAY_SIZE = 1001  # Slurm's own


class SlurmError(InceptionctlError):
    """A Slurm program failed; the message is its own."""


class NoAnswerError(SlurmError):
    """The controller did not answer: nothing is known about what it was asked."""


@dataclass(frozen=True)
class Job:
    """A job, or a task of an array ("12_3"), with Slurm's word for its state (RUNNING) and the reason for it."""

    id: str
    state: str
    node: str
    reason: str


def run(*words: str) -> str:
    """Runs a program: its output. Raises RequestError if it is not installed, NoAnswerError, and SlurmError if it fails
    otherwise."""
    return checked(words, lambda: processes.run(words, seconds=ANSWER_SECONDS))


def checked(words: Sequence[str], call: Callable[[], processes.Done]) -> str:
    """The output of a program that `call` runs. Raises as `run` does."""
    try:
        done = call()
    except FileNotFoundError:
        raise RequestError(
            f"there is no Slurm on this machine ({words[0]} is not found)\n"
            "  run this on a login node of the cluster, or use launch=local"
        ) from None
    except processes.TooSlowError as error:
        raise NoAnswerError(str(error)) from error
    if not done.code:
        return done.text
    lines = [line.removeprefix(f"{words[0]}: ").removeprefix("error: ") for line in done.message.splitlines()]
    message = "; ".join(line for line in lines if line.strip()) or f"{words[0]} exited {done.code}"
    raise (NoAnswerError if any(text in message for text in UNREACHABLE) else SlurmError)(message)


def queued(ids: Sequence[str]) -> dict[str, Job]:
    """What the controller knows about the jobs with these ids, and about all tasks of arrays: one squeue. Raises
    NoAnswerError."""
    if not ids:
        return {}
    try:
        output = _squeue("--array", f"--jobs={','.join(ids)}", SQUEUE_FORMAT)
    except NoAnswerError as error:
        if FORGOTTEN in str(error):  # the controller forgets a job some minutes after its end
            return {}
        raise
    rows = [_four(line) for line in output.splitlines()]
    return {job: Job(job, state, nodes, reason) for ids, state, nodes, reason in rows for job in tasks(ids)}


def commented(words: Iterable[str]) -> dict[str, str]:
    """The ids of this user's jobs whose comment has one of `words`, by the word: one squeue. Raises NoAnswerError."""
    wanted = [*words]
    if not wanted:
        return {}
    rows = [line.partition("|") for line in _squeue("--me", COMMENT_FORMAT).splitlines()]
    return {word: job for job, _, comment in rows for word in wanted if word in comment}


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
    """Jobs that have ended are ignored. Raises SlurmError."""
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


def _squeue(*words: str) -> str:
    """Of jobs in any state. Every failure leaves the question unanswered. Raises NoAnswerError."""
    try:
        return run("squeue", "--noheader", "--states=all", *words)
    except SlurmError as error:
        raise NoAnswerError(str(error)) from error


def _four(line: str) -> tuple[str, str, str, str]:
    first, second, third, fourth = line.split("|", 3)
    return first, second, third, fourth
