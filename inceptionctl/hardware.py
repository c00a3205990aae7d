"""The cores and GPUs of this machine, found without torch, and how they are divided among runs."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from itertools import takewhile

from inceptionctl import processes
from inceptionctl.errors import InceptionctlError, RequestError, count

SMI_SECONDS = 60.0  # nvidia-smi needs some where no process keeps the driver loaded
PER_CORE, MOST_PROCESSES = 8, 64  # processes on one machine: more would only wait for each other


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus(device: str) -> list[str]:
    """The GPUs that `device` (auto, cpu or cuda) may use, as CUDA_VISIBLE_DEVICES names them. Raises InceptionctlError
    if nvidia-smi does not answer, as on a machine whose driver hangs."""
    if device == "cpu" or not shutil.which("nvidia-smi"):
        return []
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return visible_gpus(visible)
    try:
        listed = processes.run(["nvidia-smi", "-L"], seconds=SMI_SECONDS)
    except processes.TooSlowError as error:
        raise InceptionctlError(f"{error}\n  launch.device=cpu does without it; doctor says more") from error
    lines = [line for line in listed.text.splitlines() if line.startswith("GPU ")]
    return [str(index) for index in range(len(lines))] if listed.code == 0 else []


def visible_gpus(names: str) -> list[str]:
    """Those of a CUDA_VISIBLE_DEVICES: CUDA takes the names before the first that is none, such as -1."""
    return list(takewhile(lambda name: name and not name.startswith("-"), map(str.strip, names.split(","))))


@dataclass(frozen=True)
class Allocation:
    """Runs that share this machine: `gpus` has an entry for each run that fits beside the others, empty on the CPU;
    each run has `nproc` ranks of `threads` threads."""

    nproc: int
    threads: int
    gpus: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        num_gpus = sum(map(len, self.gpus))
        devices = count(num_gpus, "GPU") if num_gpus else f"CPU, {count(self.threads, 'thread')} per rank"
        return f"{len(self.gpus)} at a time ({devices}, {count(self.nproc, 'rank')} per run)"


def allocate(device: str, jobs: int | None, nproc: int, threads: int | None, num_runs: int) -> Allocation:
    """Divides this machine among runs of `nproc` ranks: a GPU for each rank, or a core. Raises RequestError if there
    are not enough GPUs."""
    found, cores = gpus(device), num_cores()
    if device == "cuda" and not found:
        raise RequestError("launch.device = cuda, but nvidia-smi lists no GPU on this machine: use auto or cpu")
    if found and nproc > len(found):
        raise RequestError(f"launch.nproc = {nproc} needs a GPU for each process, and this machine has {len(found)}")
    at_once = len(found) // nproc if found else max(1, cores // nproc)
    jobs = min(jobs or at_once, num_runs)
    if jobs * nproc > (most := max(MOST_PROCESSES, PER_CORE * cores)):
        raise RequestError(
            f"{count(jobs, 'run')} at a time of {nproc} processes each (launch.jobs, launch.nproc) are too many "
            f"for this machine of {count(cores, 'core')}: at most {most} processes"
        )
    first_gpus = range(0, jobs * nproc, nproc)
    per_run = tuple(tuple(found[i % len(found)] for i in range(at, at + nproc)) if found else () for at in first_gpus)
    return Allocation(nproc, threads or max(1, cores // (jobs * nproc)), per_run)
