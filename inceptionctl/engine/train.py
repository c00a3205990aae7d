"""The training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from inceptionctl.data.loader import Batch
from inceptionctl.engine.clock import Clock
from inceptionctl.engine.step import Outcome, Step
from inceptionctl.errors import Interrupted
from inceptionctl.optim.schedules import Schedule


def train(
    step: Step,
    schedule: Schedule,
    clock: Clock,
    batches: Iterator[Batch],
    log: Callable[[Outcome, float], None],
    end_epoch: Callable[[], None],
    save: Callable[[], None],
    stop: Callable[[], bool],
) -> None:
    """Runs `clock` to its end. When `stop` says so, saves at the next step boundary and raises Interrupted; a run that
    goes on from there ends as if it had never stopped."""
    step.model.train()
    for batch in batches:
        rate = schedule(clock.step)
        outcome = step(batch, rate)
        clock.step += 1
        log(outcome, rate)
        if clock.ends_epoch:
            end_epoch()
            save()
        if stop() and not clock.done:
            save()
            raise Interrupted(f"stopped at step {clock.step} of {clock.steps}")
