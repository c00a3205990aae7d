"""Images per second of each part of a training step, and which part the others wait for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from inceptionctl.doctor.finding import Finding, note, ok, problem
from inceptionctl.errors import count
from inceptionctl.runs.io import Record

CHECK = "speed"
LOST = 0.1  # share of the step's speed; less is the spread of the measurement
READ_LESS = (
    "`inceptionctl data pack` stores images for fast reading; data.cache=memory, data.augment_on=device and "
    "data.decode_on=device take work from the workers"
)


@dataclass(frozen=True, kw_only=True)
class Rates(Record):
    """Of one rank, in images per second. `worker`: one process reads; `loader`: `workers` read; `copy`: batches reach
    the device; `step`: training with a batch that is there; `training`: with the loader's batches. `shortage`: why
    there was no step."""

    schema: Literal[1] = 1
    device: str
    batch: int
    workers: int
    worker: float
    loader: float
    copy: float | None
    step: float | None
    training: float | None
    shortage: str | None = None


def judge(rates: Rates, ranks: int, cores: int) -> Iterator[Finding]:
    """`ranks` on this machine, which has `cores`."""
    own = {name: round(value, 1) for name, value in vars(rates).items() if isinstance(value, float)}
    if rates.step is None or rates.training is None:
        remedy = "launch.accumulation_steps=2 halves a micro-batch with the same results; or a smaller train.batch_size"
        yield problem(CHECK, f"a step of {rates.batch} images fails on {rates.device}: {rates.shortage}", remedy, **own)
        return
    yield ok(CHECK, _shown(rates), device=rates.device, batch=rates.batch, workers=rates.workers, **own)
    needed = math.ceil(rates.step / rates.worker)
    values = {"bottleneck": bottleneck(rates), "workers_needed": needed}
    if values["bottleneck"] == "input":
        yield note(CHECK, _waits(rates, needed), _remedy(rates, needed, ranks, cores), **values)
    elif values["bottleneck"] == "copy":
        message = "the copy to the device is the bottleneck: it takes longer than the step"
        yield note(
            CHECK, message, "is the GPU in a slot with all its lanes? `nvidia-smi -q` has PCIe's link width", **values
        )
    else:
        spare = f"{count(needed, 'worker')} would do" if needed < rates.workers else "the step never waits for images"
        yield ok(CHECK, f"compute is the bottleneck: {spare}", **values)


def bottleneck(rates: Rates) -> Literal["input", "copy", "compute"]:
    """What training with real images waits for."""
    assert rates.step, "a step was taken"
    if (rates.training or 0.0) < (1 - LOST) * rates.step:
        return "input"
    return "copy" if rates.copy is not None and rates.copy < rates.step else "compute"


def _shown(rates: Rates) -> str:
    copied = f"copy to the device {rates.copy:,.0f}; " if rates.copy is not None else ""
    return (
        f"images/s on {rates.device}, {rates.batch} a step: one worker reads {rates.worker:,.0f}, "
        f"{count(rates.workers, 'worker')} {rates.loader:,.0f}; {copied}the step alone {rates.step:,.0f}, "
        f"with real input {rates.training:,.0f}"
    )


def _waits(rates: Rates, needed: int) -> str:
    assert rates.step, "a step was taken"
    lost = 1 - (rates.training or 0.0) / rates.step
    shared = " and the step, which share the cores," if rates.device == "cpu" else ""
    return (
        f"the input is the bottleneck: {count(rates.workers, 'worker')}{shared} lose {lost:.0%} of the speed; "
        f"{needed} needed to read as fast as the step alone"
    )


def _remedy(rates: Rates, needed: int, ranks: int, cores: int) -> str:
    if needed > rates.workers and needed * ranks <= cores:
        return f"data.workers={needed}"
    held = (
        f"{needed * ranks} workers need as many cores, and this machine has {cores}: " if needed * ranks > cores else ""
    )
    return f"{held}{READ_LESS}"
