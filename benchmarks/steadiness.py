"""Which end of a run at `scale=digits` spreads least between seeds: learning rate schedule, averaging window,
statistics of batch norm. Row 1 of the ladder on the dev split, the test set unseen.

    python benchmarks/steadiness.py --seeds 10 --jobs 2 --runs outputs/steadiness.jsonl > steadiness.md

An average of weights does not change the training: one training serves every window, so windows are compared on the
same runs. What is in the file of runs is not trained again.
"""

from __future__ import annotations

import argparse
import copy
import json
import multiprocessing
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.images import DataSplits
from inceptionctl.data.loader import Loader
from inceptionctl.evaluation.evaluate import Method, Network, evaluate
from inceptionctl.planning.plan import Plan, plan
from inceptionctl.runs.environment import git_commit, processor
from inceptionctl.training import precise_bn
from inceptionctl.training.ema import ExponentialAverage, make_ema
from inceptionctl.training.ema_decay import ema_decay, highest_after_warmup
from inceptionctl.training.loop import Callbacks, in_micro_batches, train
from inceptionctl.training.step import StepOutput, TrainStep
from inceptionctl.worker.assemble import make_step, open_images

FIXED = ("scale=digits", "data.eval_split=dev")
AS_EXPONENTIAL = ("schedule.lr=0.3", "schedule.warmup_epochs=0.8", "schedule.base_batch_size=null")
SCHEDULES = {
    "exponential to 1 %": ("schedule=decay_to_1pct",),
    "cosine to 1 %": ("schedule=cosine", "schedule.min_lr_ratio=0.01", *AS_EXPONENTIAL),
    "cosine to 0": ("schedule=cosine", *AS_EXPONENTIAL),
}
WINDOWS = (0.05, 0.1, 0.2, 0.3)  # of the run
Job = tuple[str, int]
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", choices=SCHEDULES, help="one schedule (default: all)")
    parser.add_argument("--runs", type=Path, required=True, help="file that the figures of each run are added to")
    arguments = parser.parse_args()
    done = {(row["schedule"], row["seed"]) for row in read(arguments.runs)}
    names = [arguments.only] if arguments.only else list(SCHEDULES)
    jobs = [(name, seed) for seed in range(arguments.seeds) for name in names if (name, seed) not in done]
    with multiprocessing.get_context("spawn").Pool(arguments.jobs) as pool, arguments.runs.open("a") as out:
        for rows in pool.imap_unordered(measure, jobs):
            out.write("".join(f"{json.dumps(row)}\n" for row in rows))
            out.flush()
    print(table(read(arguments.runs)))


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Averages(Callbacks):
    """Averages of one training over several windows."""

    def __init__(self, step: TrainStep, planned: Plan) -> None:
        self.model, clock = step.model, planned.clock
        self.of_window: dict[float, ExponentialAverage] = {}
        for window in WINDOWS:
            decay = ema_decay("fraction", window, clock.steps, clock.steps_per_epoch)
            # The warm-up would cut a window of more than a tenth of this short run.
            warmup = decay < highest_after_warmup(clock.steps)
            self.of_window[window] = make_ema(step.model, decay, warmup=warmup, buffers="averaged")

    def on_step_end(self, output: StepOutput, lr: float) -> None:
        for average in self.of_window.values():
            average.update_parameters(self.model)


def measure(job: Job) -> list[Row]:
    """Trains once and evaluates the last weights and every average, with its statistics averaged and recomputed."""
    torch.set_num_threads(1)
    (name, seed), begun = job, time.process_time()
    planned = plan(parse(compose("train", [*FIXED, *SCHEDULES[name], f"seed={seed}"])))
    step, images, loader = make_step(planned, torch.device("cpu")), open_images(planned), Loader(0, False, 0, 1)
    averages, clock = Averages(step, planned), planned.clock
    batches = partial(loader.training, images.train, planned.config.train.batch_size, seed)
    train(step, planned.schedule, clock, in_micro_batches(batches(range(clock.steps), 1), 1), averages)
    error = partial(top1_error, step=step, images=images, n_classes=len(planned.data.classes), loader=loader)
    rows: list[Row] = [{"window": 0.0, "statistics": "last", "error": error(step.model)}]
    for window, average in averages.of_window.items():
        rows.append({"window": window, "statistics": "averaged", "error": error(average.module)})
        recomputed = copy.deepcopy(average.module)
        epoch = batches(range(clock.steps_per_epoch), 1)
        precise_bn.recompute(recomputed, epoch, step.to_device, planned.partition(1), step.context)
        rows.append({"window": window, "statistics": "recomputed", "error": error(recomputed)})
    cpu_s = time.process_time() - begun
    return [{"schedule": name, "seed": seed, "cpu_s": cpu_s, **row} for row in rows]


def top1_error(model: nn.Module, step: TrainStep, images: DataSplits, n_classes: int, loader: Loader) -> float:
    labels_NL = np.asarray(images.eval.labels_N[:, None], np.int64)
    method = Method(labels_NL=labels_NL, n_classes=n_classes, batch_size=100)
    batches = loader.evaluation(images.eval, method.batches)
    return evaluate([Network(model, step.to_device)], batches, method).error(1)


def table(rows: list[Row]) -> str:
    """Markdown: mean and standard deviation of the error by schedule, window and statistics."""
    errors: dict[tuple[str, float, str], dict[int, float]] = defaultdict(dict)
    for row in rows:
        errors[row["schedule"], row["window"], row["statistics"]][row["seed"]] = row["error"]
    seconds = sum(row["cpu_s"] for row in rows if not row["window"])
    lines = [
        f"{git_commit()}, {processor()}, one thread a run, {seconds:.0f} s of CPU time",
        "",
        "| schedule | average over | batch-norm statistics | mean | sd | n |",
        "|---|---:|---|---:|---:|---:|",
    ]
    for (schedule, window, statistics), by_seed in sorted(errors.items()):
        over, found = f"last {100 * window:.0f} %" if window else "no average", list(by_seed.values())
        sd = f"{np.std(found, ddof=1):.2f}" if len(found) > 1 else "-"
        lines.append(f"| {schedule} | {over} | {statistics} | {np.mean(found):.2f} | {sd} | {len(found)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
