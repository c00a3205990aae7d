"""Running average of the parameters (Rethinking, section 8). Torch's AveragedModel keeps it; this says how fast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(
    model: nn.Module, decay: float, *, warmup: bool, buffers: Literal["averaged", "copied", "recomputed"]
) -> AveragedModel:
    """The average of `model`'s parameters; `decay` per step, of `memory.decay_of`.

    `warmup`: the first steps count for more, (1 + t) / (10 + t) until that passes `decay`, as TensorFlow's
    ExponentialMovingAverage does. `buffers`: the statistics of batch norm are averaged alike, as the released scripts
    do, or are those of the last step, until somebody recomputes them.
    """
    return AveragedModel(model, multi_avg_fn=_average(decay, warmup), use_buffers=buffers == "averaged")


def _average(decay: float, warmup: bool) -> Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]:
    @torch.no_grad()
    def update(averages: Sequence[Tensor], currents: Sequence[Tensor], num_averaged: Tensor | int) -> None:
        t = int(num_averaged)
        rate = 1.0 - (min(decay, (1 + t) / (10 + t)) if warmup else decay)
        if averages[0].is_floating_point():
            torch._foreach_lerp_(list(averages), list(currents), rate)
        else:  # counters of batches
            for average, current in zip(averages, currents, strict=True):
                average.copy_(current)

    return update
