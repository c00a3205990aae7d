"""What this machine offers, found without torch."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

from inceptionctl.errors import RequestError


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus(device: str) -> list[str]:
    """Names for CUDA_VISIBLE_DEVICES of the GPUs that `device` (auto, cpu or cuda) may use."""
    if device == "cpu" or not shutil.which("nvidia-smi"):
        return []
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in visible.split(",") if name]
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    lines = [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]
    return [str(index) for index in range(len(lines))] if listed.returncode == 0 else []


@dataclass(frozen=True)
class Share:
    """Runs side by side, one for each of `gpus`, which are empty where the CPU does the work; each has `processes`
    ranks of `threads` threads."""

    processes: int
    threads: int
    gpus: tuple[tuple[str, ...], ...]


def allocate(device: str, jobs: int | None, processes: int, threads: int | None, runs: int) -> Share:
    """One GPU a rank, or a core; the cores are shared out. Raises RequestError for GPUs that are not there."""
    found, cores = gpus(device), num_cores()
    if device == "cuda" and not found:
        raise RequestError("launch.device = cuda, and nvidia-smi shows no GPU on this machine: use auto or cpu")
    if found and processes > len(found):
        raise RequestError(f"launch.nproc = {processes}, and each needs a GPU: this machine shows {len(found)}")
    at_once = len(found) // processes if found else max(1, cores // processes)
    jobs = min(jobs or at_once, runs)
    places = [tuple(found[i % len(found)] for i in range(j * processes, (j + 1) * processes)) if found else ()
              for j in range(jobs)]  # fmt: skip
    return Share(processes, threads or max(1, cores // (jobs * processes)), tuple(places))
