"""The training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Literal

from inceptionctl.data.loader import Batch
from inceptionctl.errors import Interrupted
from inceptionctl.training.clock import Clock
from inceptionctl.training.step import Outcome, Step

Asked = Literal["nothing", "save", "stop"]


def train(
    step: Step,
    schedule: Callable[[int], float],
    clock: Clock,
    batches: Iterator[Batch],
    accumulate: int,
    log: Callable[[Outcome, float], None],
    end_epoch: Callable[[], None],
    save: Callable[[bool], None],
    asked: Callable[[], Asked],
) -> None:
    """Runs `clock` to its end, `accumulate` of `batches` a step. When `asked` to, saves at the next step boundary, and
    raises Interrupted if it is to stop (`save` is told which); a run that goes on from there ends as if it had never
    stopped."""
    step.model.train()
    while share := list(islice(batches, accumulate)):
        rate = schedule(clock.step)
        outcome = step(share, rate)
        clock.step += 1
        log(outcome, rate)
        if clock.ends_epoch:
            end_epoch()
            save(False)
        wish = asked()
        if wish != "nothing" and not clock.done:
            save(wish == "stop")
            if wish == "stop":
                raise Interrupted(f"stopped at step {clock.step} of {clock.steps}")
