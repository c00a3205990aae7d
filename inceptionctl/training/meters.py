"""Loss and gradient norm, averaged over ranks and over the steps between two rows of metrics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field
from statistics import fmean
from typing import Any

import torch

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
    the weights were not updated; `unreadable` images are counted, and `unreadable_images` are their places in their
    set, each once."""

    loss: float
    grad_norm: float | None
    unreadable: int
    unreadable_images: tuple[int, ...] = ()


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
        unreadable = self._unreadable()
        self.pending.clear()
        for number, loss, norm, images in zip(range(first, step + 1), losses, norms, unreadable, strict=True):
            overflowed = self.loss_scaled and not math.isfinite(norm)
            self.overflows = self.overflows + 1 if overflowed else 0
            if not math.isfinite(loss) or not (overflowed or math.isfinite(norm)) or self.overflows > MAX_OVERFLOWS:
                raise Diverged(number, loss, norm)
            self.reduced.append(StepMeans(loss, None if overflowed else norm, len(images), _each_once(images)))

    def _unreadable(self) -> list[list[int]]:
        """Of each pending output, the images of all ranks that could not be read."""
        own = [(place, image) for place, output in enumerate(self.pending) for image in output.unreadable]
        sizes = self.context.all_gather(torch.tensor([len(own)]), [(1,)] * self.context.world_size)
        parts = self.context.all_gather(
            torch.tensor(own, dtype=torch.int64).reshape(-1, 2), [(int(size), 2) for size in sizes]
        )
        found: list[list[int]] = [[] for _ in self.pending]
        for place, image in torch.cat(parts).tolist():
            found[place].append(image)
        return found

    def compute(self, step: int) -> StepMeans:
        """The means over the steps since the last call, up to `step`. Raises Diverged."""
        self.reduce(step)
        steps, self.reduced = self.reduced, []
        norms = [means.grad_norm for means in steps if means.grad_norm is not None]
        return StepMeans(
            loss=fmean(means.loss for means in steps),
            grad_norm=fmean(norms) if norms else None,
            unreadable=sum(means.unreadable for means in steps),
            unreadable_images=_each_once(image for means in steps for image in means.unreadable_images),
        )

    def state_dict(self) -> list[tuple[float, float | None, int, tuple[int, ...]]]:
        """What is reduced but not computed yet. Nothing may be pending."""
        return [astuple(means) for means in self.reduced]

    def load_state_dict(self, state: Sequence[Sequence[Any]]) -> None:
        """Checkpoints of earlier versions say how many images could not be read, and not which."""
        self.pending.clear()
        self.reduced = [StepMeans(loss, norm, n, *map(tuple, images)) for loss, norm, n, *images in state]


def _each_once(images: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(images)))
