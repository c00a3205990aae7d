"""Loss and gradient norm, averaged over ranks and over the steps between two rows of metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from statistics import fmean

from inceptionctl.errors import InceptionctlError
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.training.step import StepOutput

MAX_OVERFLOWS = 40  # in a row: the scale of the loss, halved each time, has gone from 65,536 to almost 0


class Diverged(InceptionctlError):
    """Loss or gradient is NaN or infinite at `step`. `dump`: folder that holds the state of that step."""

    def __init__(self, step: int, loss: float, grad_norm: float | None, dump: str | None = None) -> None:
        state = f"\n  the weights and images of that step: {dump}" if dump else ""
        super().__init__(
            f"training diverged at step {step}: loss {loss}, gradient norm {grad_norm}{state}\n"
            "  lower schedule.lr, lengthen schedule.warmup_epochs, lower train.grad_clip, or allow train.rollbacks=2"
        )
        self.step, self.loss, self.grad_norm = step, loss, grad_norm


@dataclass(frozen=True)
class StepMeans:
    """Over all ranks, of one step or of several. `grad_norm` is None if the gradients overflowed in float16, so that
    the weights were not updated; `unreadable` images are counted."""

    loss: float
    grad_norm: float | None
    unreadable: int


@dataclass
class StepMeter:
    """Collects the outputs of this rank (`pending`) and the means over all ranks (`reduced`). `loss_scaled`: a gradient
    that overflows now and then is no divergence."""

    context: DistributedContext
    loss_scaled: bool
    pending: list[StepOutput] = field(default_factory=list)
    reduced: list[StepMeans] = field(default_factory=list)
    overflows: int = 0  # in a row

    def add(self, output: StepOutput) -> None:
        self.pending.append(output)

    def reduce(self, step: int) -> None:
        """Averages the pending outputs, the last of which is that of `step`, over ranks. Raises Diverged on all ranks
        at once."""
        first = step - len(self.pending) + 1
        losses = self.context.all_reduce_mean([float(output.loss) for output in self.pending])
        norms = [float(output.grad_norm) for output in self.pending]  # the same on all ranks
        unreadable = self.context.all_reduce_mean([float(output.unreadable) for output in self.pending])
        self.pending.clear()
        for number, loss, norm, count in zip(range(first, step + 1), losses, norms, unreadable, strict=True):
            overflowed = self.loss_scaled and not math.isfinite(norm)
            self.overflows = self.overflows + 1 if overflowed else 0
            if not math.isfinite(loss) or not (overflowed or math.isfinite(norm)) or self.overflows > MAX_OVERFLOWS:
                raise Diverged(number, loss, norm)
            count_of_all = round(count * self.context.world_size)
            self.reduced.append(StepMeans(loss, None if overflowed else norm, count_of_all))

    def compute(self, step: int) -> StepMeans:
        """The means over the steps since the last call, up to `step`. Raises Diverged."""
        self.reduce(step)
        steps, self.reduced = self.reduced, []
        norms = [means.grad_norm for means in steps if means.grad_norm is not None]
        unreadable = sum(means.unreadable for means in steps)
        return StepMeans(fmean(means.loss for means in steps), fmean(norms) if norms else None, unreadable)

    def state_dict(self) -> list[tuple[float, float | None, int]]:
        """What is reduced but not computed yet. Nothing may be pending."""
        return [astuple(means) for means in self.reduced]

    def load_state_dict(self, state: Sequence[Sequence[float]]) -> None:
        self.pending.clear()
        self.reduced = [StepMeans(loss, norm, int(count)) for loss, norm, count in state]
