"""What the steps since the last row of metrics came to, over all ranks; where a run is found to have blown up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from inceptionctl.errors import InceptionctlError
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.training.step import Outcome

MOST_OVERFLOWS = 40  # in a row: the scale of the loss, halved each time, has gone from 65,536 to nothing


class Diverged(InceptionctlError):
    """Loss or gradient ceased to be a number at `step`; `dump`: where the state is to be looked at."""

    def __init__(self, step: int, loss: float, grad_norm: float | None, dump: str | None = None) -> None:
        advice = "lower schedule.lr, lengthen schedule.warmup_epochs, lower train.grad_clip, or allow train.rollbacks=2"
        seen = f"\n  the weights and the pictures of that step: {dump}" if dump else ""
        super().__init__(f"training diverged at step {step}: loss {loss}, gradient norm {grad_norm}{seen}\n  {advice}")
        self.step, self.loss, self.grad_norm = step, loss, grad_norm


@dataclass(frozen=True)
class Settled:
    """A step's means over ranks. `grad_norm` None: the gradients overflowed in float16, and the step was left out."""

    loss: float
    grad_norm: float | None
    unreadable: int


@dataclass
class Journal:
    """`pending` outcomes are this rank's; `settled` ones are everybody's. `scaled`: whether the loss is, so that an
    overflow now and then is no divergence."""

    ranks: DistributedContext
    scaled: bool
    settled: list[Settled] = field(default_factory=list)
    pending: list[Outcome] = field(default_factory=list)
    overflows: int = 0  # in a row

    def settle(self, step: int) -> None:
        """Puts what is pending, up to `step`, together over ranks. Raises Diverged, on all of them alike."""
        first = step - len(self.pending) + 1
        losses = self.ranks.means([float(outcome.loss) for outcome in self.pending])
        norms = [float(outcome.grad_norm) for outcome in self.pending]  # of the exchanged gradient: equal on all ranks
        unreadable = self.ranks.means([float(outcome.unreadable) for outcome in self.pending])
        self.pending.clear()
        for number, loss, norm, count in zip(range(first, step + 1), losses, norms, unreadable, strict=True):
            overflowed = self.scaled and not math.isfinite(norm)
            self.overflows = self.overflows + 1 if overflowed else 0
            if not math.isfinite(loss) or not (overflowed or math.isfinite(norm)) or self.overflows > MOST_OVERFLOWS:
                raise Diverged(number, loss, norm)
            self.settled.append(Settled(loss, None if overflowed else norm, round(count * self.ranks.size)))

    def row(self, step: int) -> dict[str, float | None]:
        """Means over the steps since the last row; no gradient norm where all of them overflowed. Raises Diverged."""
        self.settle(step)
        steps, self.settled = self.settled, []
        norms = [one.grad_norm for one in steps if one.grad_norm is not None]
        unreadable = sum(one.unreadable for one in steps)
        means = {"loss": fmean(one.loss for one in steps), "grad_norm": fmean(norms) if norms else None}
        return means | ({"unreadable": unreadable} if unreadable else {})

    def state(self) -> list[list[Any]]:
        return [[one.loss, one.grad_norm, one.unreadable] for one in self.settled]

    def restore(self, state: Sequence[Sequence[Any]]) -> None:
        self.pending.clear()
        self.settled = [Settled(*one) for one in state]
