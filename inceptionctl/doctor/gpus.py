"""NVIDIA's GPUs and driver, as nvidia-smi has them. That torch can use them is checked by `ranks`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inceptionctl import processes
from inceptionctl.doctor.finding import Finding, note, ok, problem
from inceptionctl.errors import bytes_text, count
from inceptionctl.hardware import visible_gpus

CHECK = "gpu"
SECONDS = 30.0
QUERY = ("nvidia-smi", "--query-gpu=name,driver_version,memory.total,memory.used", "--format=csv,noheader,nounits")
DRIVER = Path("/proc/driver/nvidia/version")  # there if the kernel's part is loaded
BUSY = 0.1  # of the memory
RELOAD = (
    "after an update of the driver, reboot or reload its kernel modules; in a container, start it with --gpus all, "
    "or --nv of Apptainer"
)


class NoAnswer(Exception):
    """nvidia-smi is there and lists nothing; the message is its own."""


@dataclass(frozen=True)
class Gpu:
    """`memory` and `used` in bytes."""

    name: str
    driver: str
    memory: int
    used: int


def check() -> Iterator[Finding]:
    try:
        found = query()
    except FileNotFoundError:
        yield _without_nvidia_smi()
        return
    except NoAnswer as error:
        yield problem(CHECK, f"nvidia-smi finds no GPU: {error}", RELOAD)
        return
    models = "; ".join(f"{one.name}, {bytes_text(one.memory)}" for one in found)
    gpus = [{"name": one.name, "memory_bytes": one.memory, "used_bytes": one.used} for one in found]
    driver = found[0].driver
    yield ok(CHECK, f"{count(len(found), 'GPU')}, driver {driver}: {models}", driver=driver, gpus=gpus)
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        yield _visible(visible)
    for number, one in enumerate(found):
        if one.used > BUSY * one.memory:
            message = f"{bytes_text(one.used)} of GPU {number} are in use"
            yield note(CHECK, message, "nvidia-smi lists the processes; CUDA_VISIBLE_DEVICES chooses other GPUs")


def usable() -> int:
    """How many GPUs a run here would find: 0 where nvidia-smi gives no answer, which `check` reports."""
    try:
        found = len(query())
    except (FileNotFoundError, NoAnswer):
        return 0
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return found if visible is None else len(visible_gpus(visible))


def query() -> list[Gpu]:
    """Raises FileNotFoundError without nvidia-smi, NoAnswer where it lists no GPU."""
    try:
        done = processes.run(QUERY, seconds=SECONDS)
    except processes.TooSlowError as error:
        raise NoAnswer(str(error)) from error
    rows = [line.split(", ") for line in done.text.splitlines()]
    if done.code or not rows or any(len(row) != 4 for row in rows):
        text = " ".join((done.text + done.message).split())
        raise NoAnswer(text or f"it exited {done.code} without a word")
    return [Gpu(name, driver, _mebibytes(total), _mebibytes(used)) for name, driver, total, used in rows]


def _mebibytes(text: str) -> int:
    """nvidia-smi has words such as [N/A] for what it does not know."""
    return int(text) << 20 if text.isdigit() else 0


def _without_nvidia_smi() -> Finding:
    if DRIVER.exists():
        message = "the NVIDIA driver is loaded, but nvidia-smi is not on the PATH: GPUs are not found"
        return problem(CHECK, message, "install the driver's programs (nvidia-utils), or add their folder to PATH")
    return ok(CHECK, "no NVIDIA driver on this machine: runs compute on the CPU", gpus=[])


def _visible(names: str) -> Finding:
    if not visible_gpus(names):
        return note(CHECK, f"CUDA_VISIBLE_DEVICES={names!r}: no GPU is used", "unset CUDA_VISIBLE_DEVICES")
    return ok(CHECK, f"CUDA_VISIBLE_DEVICES={names}: other GPUs are not used", visible=visible_gpus(names))
