"""Slurm: its programs, its controller, its partitions. A machine without it is as good as any other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from inceptionctl import processes
from inceptionctl.doctor.finding import Finding, note, ok, problem
from inceptionctl.errors import count

CHECK = "slurm"
SECONDS = 30.0
CLIENTS = ("sinfo", "sbatch", "srun", "squeue", "scancel", "scontrol")  # that `launch=slurm` calls
PARTITIONS = ("sinfo", "--noheader", "--format=%P|%D|%T|%G|%l")  # a line for each partition, state and kind of node
UNUSABLE = ("down", "drain", "fail", "maint", "power", "unk", "inval", "no_resp")


def check(needed: bool) -> Iterator[Finding]:
    """`needed`: runs are to be started by it; otherwise nothing here is worse than a note."""
    bad = problem if needed else note
    if not shutil.which("sinfo"):
        yield _missing(needed)
        return
    if missing := [name for name in CLIENTS if not shutil.which(name)]:
        remedy = "install the rest of Slurm's client programs (slurm-client)"
        yield bad(CHECK, f"{', '.join(missing)} not on the PATH: launch=slurm calls them", remedy)
    listed = _run(*PARTITIONS)
    if listed.code:
        remedy = "is slurmctld running, and is this machine one of the cluster? launch=local needs no Slurm"
        yield bad(CHECK, f"the controller does not answer: {_last_line(listed)}", remedy, installed=True)
        return
    version = _run("sinfo", "--version").text.strip()
    yield ok(CHECK, f"{version}: the controller answers", installed=True, version=version)
    yield from _partitions([line.split("|") for line in listed.text.splitlines() if line.count("|") == 4])
    yield from _accounting()


def _partitions(rows: list[list[str]]) -> Iterator[Finding]:
    """A row: partition (the default one with a *), number of nodes, their state, their GPUs, time limit."""
    names = list(dict.fromkeys(name for name, *_ in rows))
    for name in names:
        own = [row for row in rows if row[0] == name]
        nodes = sum(int(number) for _, number, *_ in own)
        states = ", ".join(f"{number} {state}" for _, number, state, *_ in own)
        gpus = ", ".join(sorted({gres for *_, gres, _ in own} - {"(null)"})) or "no GPUs"
        message = f"partition {name}: {count(nodes, 'node')} ({states}), {gpus}, time limit {own[0][4]}"
        values = {"partition": name.rstrip("*"), "default": name.endswith("*"), "nodes": nodes}
        if all(any(word in state for word in UNUSABLE) for _, _, state, *_ in own):
            yield note(CHECK, message, "no node takes jobs: `sinfo --list-reasons` has the reasons", **values)
        else:
            yield ok(CHECK, message, **values)
    if not any(name.endswith("*") for name in names):
        yield note(CHECK, "there is no default partition", f"name one: launch.partition={_first(names)}")


def _missing(needed: bool) -> Finding:
    if needed:
        remedy = "run this on a login node of the cluster, or use launch=local"
        return problem(CHECK, "launch=slurm, but Slurm is not installed", remedy, installed=False)
    return ok(CHECK, "not installed: only launch=slurm needs it", installed=False)


def _last_line(done: processes.Done) -> str:
    lines = [line for line in done.message.splitlines() if line.strip()]
    return lines[-1] if lines else f"{PARTITIONS[0]} exited {done.code}"


def _first(names: list[str]) -> str:
    return names[0] if names else "NAME"


def _accounting() -> Iterator[Finding]:
    """Without accounts, `status` knows of ended jobs what the run folders say."""
    if not shutil.which("sacct") or _run("sacct", "--noheader", "--starttime=now").code:
        remedy = (
            "nothing is lost: run folders say how runs ended; `status` cannot say why a job ended before its run began"
        )
        yield note(CHECK, "accounting (sacct) does not answer", remedy, accounting=False)


def _run(*words: str) -> processes.Done:
    try:
        return processes.run(words, seconds=SECONDS)
    except processes.TooSlowError as error:
        return processes.Done(1, b"", str(error).encode())
