"""The training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Literal

from inceptionctl.data.loader import TrainingBatch
from inceptionctl.errors import Interrupted
from inceptionctl.training.clock import Clock
from inceptionctl.training.step import StepOutput, TrainStep

Action = Literal["continue", "save", "stop"]


class Callbacks:
    """What happens between the steps of `train`. Each method does nothing unless a subclass overrides it."""

    def on_step_end(self, output: StepOutput, lr: float) -> None: ...

    def on_epoch_end(self) -> None: ...

    def save(self, stopping: bool) -> None:
        """Saves a checkpoint; `stopping`: the process is about to end."""

    def next_action(self) -> Action:
        """Asked after each step; all ranks have to give the same answer."""
        return "continue"


def train(
    step: TrainStep,
    schedule: Callable[[int], float],
    clock: Clock,
    batches: Iterator[Sequence[TrainingBatch]],
    callbacks: Callbacks,
) -> None:
    """Runs `clock` to its end. An item of `batches` holds this rank's micro-batches of a step.

    Raises Interrupted after it has saved, when the next action is to stop; a run that resumes from there ends exactly
    as if it had not stopped.
    """
    step.model.train()
    for micro_batches in batches:
        lr = schedule(clock.step)
        output = step(micro_batches, lr)
        clock.step += 1
        callbacks.on_step_end(output, lr)
        if clock.ends_epoch:
            callbacks.on_epoch_end()
            callbacks.save(stopping=False)
        action = callbacks.next_action()
        if action != "continue" and not clock.done:
            callbacks.save(stopping=action == "stop")
            if action == "stop":
                raise Interrupted(f"stopped at step {clock.step} of {clock.steps}")


def in_micro_batches(batches: Iterator[TrainingBatch], accumulation_steps: int) -> Iterator[list[TrainingBatch]]:
    """`batches` in lists of `accumulation_steps`, one list a step."""
    return iter(lambda: list(islice(batches, accumulation_steps)), [])
