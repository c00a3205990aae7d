"""Exponential moving average of the parameters (Rethinking, section 8), held by torch's AveragedModel."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Pair = tuple[Tensor, Tensor]  # (average, current)
Buffers = Literal["averaged", "copied", "recomputed"]


class ExponentialAverage(AveragedModel):
    """An average whose update never waits for the device: torch's own reads the number of steps back from a GPU."""

    def __init__(self, model: nn.Module, decay: float, warmup: bool, buffers: Buffers) -> None:
        super().__init__(model, use_buffers=buffers == "averaged")
        self.decay, self.warmup = decay, warmup

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Copies everything the first time, and integer buffers (num_batches_tracked) every time."""
        step = int(self.n_averaged)
        blend, copy = self._pairs(model, first=step == 0)
        if blend:
            torch._foreach_lerp_([average for average, _ in blend], [now for _, now in blend], self._weight(step))
        if copy:
            torch._foreach_copy_([average for average, _ in copy], [now for _, now in copy])
        self.n_averaged += 1

    def _pairs(self, model: nn.Module, first: bool) -> tuple[list[Pair], list[Pair]]:
        """What is averaged, and what is copied."""
        parameters = list(zip(self.module.parameters(), model.parameters(), strict=True))
        buffers = list(zip(self.module.buffers(), model.buffers(), strict=True))
        if first:
            return [], parameters + buffers
        averaged = [pair for pair in buffers if self.use_buffers and pair[0].is_floating_point()]
        copied = [pair for pair in buffers if not (self.use_buffers and pair[0].is_floating_point())]
        return parameters + averaged, copied

    def _weight(self, step: int) -> float:
        """Of the current parameters, after `step` updates."""
        return 1.0 - (min(self.decay, (1 + step) / (10 + step)) if self.warmup else self.decay)


def make_ema(model: nn.Module, decay: float, *, warmup: bool, buffers: Buffers) -> ExponentialAverage:
    """The average of `model`'s parameters, with a `decay` per step (see `ema_decay`).

    `warmup`: the decay of step t is (1 + t) / (10 + t) until that passes `decay`, as in TensorFlow's
    ExponentialMovingAverage. `buffers`: the statistics of batch norm are averaged as well, as in the released scripts,
    or are those of the last step, until `precise_bn` recomputes them.
    """
    return ExponentialAverage(model, decay, warmup, buffers)
