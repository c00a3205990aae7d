"""Exponential moving average of the parameters (Rethinking, section 8), kept by torch's AveragedModel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def make_ema(
    model: nn.Module, decay: float, *, warmup: bool, buffers: Literal["averaged", "copied", "recomputed"]
) -> AveragedModel:
    """The average of `model`'s parameters, with a `decay` per step (see `ema_decay`).

    `warmup`: the decay of step t is (1 + t) / (10 + t) until that passes `decay`, as in TensorFlow's
    ExponentialMovingAverage. `buffers`: the statistics of batch norm are averaged as well, as in the released scripts,
    or are those of the last step, until `precise_bn` recomputes them.
    """
    return AveragedModel(model, multi_avg_fn=_update(decay, warmup), use_buffers=buffers == "averaged")


def _update(decay: float, warmup: bool) -> Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]:
    @torch.no_grad()
    def update(averages: Sequence[Tensor], currents: Sequence[Tensor], num_averaged: Tensor | int) -> None:
        t = int(num_averaged)
        weight = 1.0 - (min(decay, (1 + t) / (10 + t)) if warmup else decay)
        if averages[0].is_floating_point():
            torch._foreach_lerp_(list(averages), list(currents), weight)
        else:  # num_batches_tracked
            for average, current in zip(averages, currents, strict=True):
                average.copy_(current)

    return update
