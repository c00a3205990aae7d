"""`python -m inceptionctl.worker.speed FOLDER`: times the training steps of the networks in FOLDER/speed, in turn.

Each repeat has a block of steps of every network, and every other repeat takes them in reverse, so that a machine that
slows down does so for all. The images are noise, made before the clock runs: what is timed is the step alone. On a CPU
the clock is that of the process, which other processes do not slow as they do the one on the wall.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from inceptionctl.data.loader import Batch
from inceptionctl.planning.plan import Plan, plan
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.environment import describe
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import SPEED, RunDir
from inceptionctl.runs.records.speed import SpeedRecord
from inceptionctl.training.device import device_name, select_device
from inceptionctl.training.step import TrainStep
from inceptionctl.worker.assemble import make_step

WARM_UP, STEPS, REPEATS = 3, 5, 8  # repeats are even: as many in each order


class Timed:
    """The step of one network with a batch of its own."""

    def __init__(self, planned: Plan, device: torch.device) -> None:
        self.step: TrainStep = make_step(planned, device)
        size, pixels = planned.config.train.batch_size, planned.config.arch.pixels
        images_NCHW = torch.randint(0, 256, (size, 3, pixels, pixels), dtype=torch.uint8)
        labels_N = torch.randint(0, len(planned.data.classes), (size,))
        self.batch, self.lr = Batch(images_NCHW, labels_N), planned.schedule(0)

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.step([self.batch], self.lr)

    def steps_per_second(self) -> float:
        began = _now(self.step.device)
        self.run(STEPS)
        return STEPS / (_now(self.step.device) - began)


def measure(plans: Sequence[Plan], device: torch.device) -> list[list[float]]:
    """Steps per second of each network in each repeat."""
    torch.manual_seed(0)
    networks = [Timed(planned, device) for planned in plans]
    for network in networks:
        network.run(WARM_UP)
    rates: list[list[float]] = [[] for _ in networks]
    for repeat in range(REPEATS):
        order = list(enumerate(networks))
        for place, network in order if repeat % 2 == 0 else reversed(order):
            rates[place].append(network.steps_per_second())
    return rates


def main(argv: Sequence[str]) -> int:
    folder = Path(argv[0])
    record = read_record(folder / "speed" / SPEED, SpeedRecord)
    plans = [plan(read_config(RunDir(folder / "speed" / row.identity))) for row in record.rows]
    launch = plans[0].config.launch
    device = select_device(launch.device, 0)
    torch.set_num_threads(launch.threads or torch.get_num_threads())
    rates = measure(plans, device)
    rows = [replace(row, steps_per_second=found) for row, found in zip(record.rows, rates, strict=True)]
    environment = describe(device_name(device), torch.get_num_threads(), 1)
    clock = "wall" if device.type == "cuda" else "process"
    write_record(
        folder / SPEED,
        replace(record, rows=rows, clock=clock, steps=STEPS, environment=environment),  # type: ignore[arg-type]
    )
    return 0


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return time.perf_counter()
    return time.process_time()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
