"""Running average of the parameters (Rethinking, section 8). Torch's AveragedModel keeps it; this says how fast."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """Average of parameters and batch-norm statistics alike, as the released scripts do. The first steps count for
    more, (1 + t) / (10 + t) until that passes `decay`, as TensorFlow's ExponentialMovingAverage does."""
    return AveragedModel(model, multi_avg_fn=_average(decay), use_buffers=True)


def decay_over(fraction: float, steps: int) -> float:
    """The decay whose memory, 1 / (1 - decay) steps, is `fraction` of a run of `steps`."""
    return max(0.0, 1.0 - 1.0 / max(1.0, fraction * steps))


def _average(decay: float) -> Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]:
    @torch.no_grad()
    def update(averages: Sequence[Tensor], currents: Sequence[Tensor], num_averaged: Tensor | int) -> None:
        t = int(num_averaged)
        rate = 1.0 - min(decay, (1 + t) / (10 + t))
        if averages[0].is_floating_point():
            torch._foreach_lerp_(list(averages), list(currents), rate)
        else:  # counters of batches
            for average, current in zip(averages, currents, strict=True):
                average.copy_(current)

    return update
