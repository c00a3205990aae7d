"""`python -m inceptionctl.doctor.measure RUN_DIR`: times reading, copying and training steps; writes rates.json.

Each part has a warm-up and then a few seconds, two batches at least. On a CPU, workers and step share the cores, as in
training.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import torch

from inceptionctl.data.loader import Loader, TrainingBatch
from inceptionctl.data.workers import PREFETCHED
from inceptionctl.doctor.rates import Rates
from inceptionctl.doctor.speed import RATES
from inceptionctl.planning.plan import Plan, frozen_plan
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.index_file import read_index
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.training.device import device_name, select_device
from inceptionctl.training.memory import memory_shortage
from inceptionctl.training.step import TrainStep
from inceptionctl.worker.assemble import make_step, open_images

SECONDS, LEAST = 2.0, 2  # of a part; batches
MANY = 1_000_000  # steps
READ_TIMEOUT = 60.0


def main(argv: list[str]) -> None:
    run = RunDir(Path(argv[0]))
    config = read_config(run)
    planned = frozen_plan(config, read_index(run, config.resolved.data_fingerprint))
    device = select_device(config.launch.device, 0)
    torch.set_num_threads(config.launch.threads or torch.get_num_threads())
    write_record(run.path / RATES, measure(planned, device))


def measure(planned: Plan, device: torch.device) -> Rates:
    size, workers = planned.config.train.batch_size, planned.config.data.workers
    worker, loader = (_reading(planned, count, device) for count in (1, workers))
    copied, alone, training, shortage = None, None, None, None
    step = make_step(planned, device)
    step.model.train()
    try:
        batch = _one(planned, device)
        copied = None if device.type == "cpu" else _rate(planned, lambda: step.to_device(batch), device, warm_up=2)
        alone = _rate(planned, lambda: step([batch], planned.schedule(0)), device, warm_up=2)
        training = _training(planned, step, workers)
    except (RuntimeError, MemoryError) as error:
        if not (shortage := memory_shortage(error)):
            raise
    return Rates(
        device=device_name(device), batch=size, workers=workers, worker=worker, loader=loader, copy=copied, step=alone,
        training=training, shortage=shortage,
    )  # fmt: skip


def batches(planned: Plan, workers: int, device: torch.device) -> Generator[TrainingBatch, None, None]:
    loader = Loader(workers, pin=device.type == "cuda", timeout=READ_TIMEOUT)
    size, seed = planned.config.train.batch_size, planned.config.seed
    yield from loader.training(open_images(planned).train, size, seed, range(MANY))


def _reading(planned: Plan, workers: int, device: torch.device) -> float:
    with closing(batches(planned, workers, device)) as found:
        return _rate(planned, lambda: next(found), device, warm_up=1)


def _training(planned: Plan, step: TrainStep, workers: int) -> float:
    """What workers have read ahead is passed first, if that is soon done: it came for nothing."""
    with closing(batches(planned, workers, step.device)) as found:

        def work() -> None:
            step([next(found)], planned.schedule(0))

        work()
        began = time.perf_counter()
        for _ in range(PREFETCHED * workers):
            if time.perf_counter() - began > 5 * SECONDS:
                break
            work()
        return _rate(planned, work, step.device, warm_up=0)


def _one(planned: Plan, device: torch.device) -> TrainingBatch:
    with closing(batches(planned, 0, device)) as found:
        return next(found)


def _rate(planned: Plan, work: Callable[[], object], device: torch.device, warm_up: int) -> float:
    for _ in range(warm_up):
        work()
    _wait(device)
    began, done = time.perf_counter(), 0
    while done < LEAST or time.perf_counter() - began < SECONDS:
        work()
        _wait(device)
        done += 1
    return done * planned.config.train.batch_size / (time.perf_counter() - began)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main(sys.argv[1:])
