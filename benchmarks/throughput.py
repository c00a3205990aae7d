"""Images/s of `train` against a bare PyTorch loop over the same network, data and recipe, blocks of steps in turn.

The bare loop is what one would write by hand: read, forward, loss, backward, clip, step, average. Ours also counts,
logs to a metrics file and checks for signals.

    python benchmarks/throughput.py [--blocks 12] [--steps 20] [--threads 1] [key=value ...]
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.images import Images
from inceptionctl.data.loader import Batch, Loader
from inceptionctl.planning.plan import Plan, plan
from inceptionctl.runs.config_file import write_config
from inceptionctl.runs.index_file import write_index
from inceptionctl.runs.paths import RunDir
from inceptionctl.training.loop import Action, Callbacks, in_micro_batches, train
from inceptionctl.training.step import StepOutput, TrainStep
from inceptionctl.worker.assemble import assemble, make_step
from inceptionctl.worker.stop import StopFlag
from inceptionctl.worker.trainer import Trainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=12)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("overrides", nargs="*")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    config = parse(compose("train", [*arguments.overrides, f"launch.threads={arguments.threads}"]))
    with tempfile.TemporaryDirectory() as folder:
        run, planned = RunDir(Path(folder)), plan(config)
        write_index(run, planned.data)
        write_config(run, planned.config)
        trainer = assemble(run)
        trainer.should_stop = StopFlag()
        bare = make_step(trainer.plan, trainer.step.device)
        pairs = [
            (timed(ours, trainer, steps), timed(by_hand, trainer.plan, bare, trainer.images.train, steps))
            for steps in blocks(arguments.blocks + 1, arguments.steps)
        ][1:]  # the first warms both up
    images = arguments.steps * config.train.batch_size
    ratios = sorted(theirs / mine for mine, theirs in pairs)
    for name, column in (("inceptionctl", 0), ("bare loop", 1)):
        print(f"{name:<14}{statistics.median(images / pair[column] for pair in pairs):8.1f} images/s (median)")
    spread = f"from {ratios[0]:.3f} to {ratios[-1]:.3f} in {len(ratios)} blocks"
    print(f"ours / bare   {statistics.median(ratios):8.3f}   {spread}")


def blocks(count: int, steps: int) -> list[range]:
    return [range(i * steps, (i + 1) * steps) for i in range(count)]


def timed(work: Callable[..., None], *arguments: object) -> float:
    begun = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - begun


@dataclass
class StepsOnly(Callbacks):
    """A trainer without the evaluation and the checkpoint at the end of an epoch."""

    trainer: Trainer

    def on_step_end(self, output: StepOutput, lr: float) -> None:
        self.trainer.on_step_end(output, lr)

    def next_action(self) -> Action:
        return self.trainer.next_action()


def ours(trainer: Trainer, steps: range) -> None:
    trainer.clock.step = steps.start
    batches = in_micro_batches(trainer._batches(steps.start, steps.stop), 1)
    train(trainer.step, trainer.lr, trainer.clock, batches, StepsOnly(trainer))


def by_hand(made: Plan, parts: TrainStep, images: Images, steps: range) -> None:
    settings, model, optimizer = made.config, parts.model.train(), parts.optimizer
    loader = Loader(settings.data.workers)
    batches = loader.training(images, settings.train.batch_size, settings.seed, steps)
    for number, batch in zip(steps, batches, strict=True):
        assert isinstance(batch, Batch)
        images_NCHW = batch.images_NCHW.float().contiguous(memory_format=torch.channels_last) / 127.5 - 1
        output = model(images_NCHW)
        loss = cross_entropy(output.logits, batch.labels_N)
        for logits in output.aux.values():
            loss = loss + 0.4 * cross_entropy(logits, batch.labels_N)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.train.grad_clip or math.inf)
        optimizer.param_groups[0]["lr"] = optimizer.param_groups[1]["lr"] = made.schedule(number)
        optimizer.step()
        parts.ema.update_parameters(model)


if __name__ == "__main__":
    main()
