"""The training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from inceptionctl.data.loader import Batch
from inceptionctl.engine.clock import Clock
from inceptionctl.engine.step import Outcome, Step
from inceptionctl.errors import Interrupted


def train(
    step: Step,
    schedule: Callable[[int], float],
    clock: Clock,
    batches: Iterator[Batch],
    accumulate: int,
    log: Callable[[Outcome, float], None],
    end_epoch: Callable[[], None],
    save: Callable[[], None],
    stop: Callable[[], bool],
) -> None:
    """Runs `clock` to its end, `accumulate` of `batches` a step. When `stop` says so, saves at the next step boundary
    and raises Interrupted; a run that goes on from there ends as if it had never stopped."""
    step.model.train()
    while share := list(islice(batches, accumulate)):
        rate = schedule(clock.step)
        outcome = step(share, rate)
        clock.step += 1
        log(outcome, rate)
        if clock.ends_epoch:
            end_epoch()
            save()
        if stop() and not clock.done:
            save()
            raise Interrupted(f"stopped at step {clock.step} of {clock.steps}")
