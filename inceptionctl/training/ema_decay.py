"""The decay of an exponential moving average, from its settings and the length of the run. No torch."""

from __future__ import annotations

import math
from typing import Literal

Unit = Literal["fraction", "half_life", "decay"]


def ema_decay(unit: Unit, value: float, steps: int, steps_per_epoch: int) -> float:
    """The decay per step in a run of `steps`. `value` is the decay itself, the epochs in which the weight of a step
    halves, or the averaging window as a fraction of the run."""
    if unit == "decay":
        return value
    if unit == "half_life":
        return float(0.5 ** (1.0 / (value * steps_per_epoch)))
    return max(0.0, 1.0 - 1.0 / max(1.0, value * steps))


def averaging_window(decay: float) -> float:
    """1 / (1 - decay), in steps: the sum of the weights of all steps if that of the last is 1."""
    return 1.0 / (1.0 - decay) if decay < 1.0 else math.inf


def exceeds_run(decay: float, steps: int) -> bool:
    """Whether the averaging window is longer than a run of `steps`. Decays are compared, since 1 / (1 - decay) may
    round to either side of a window that is exactly the run."""
    return decay > ema_decay("fraction", 1.0, steps, steps)


def highest_after_warmup(steps: int) -> float:
    """The decay that `train.ema.warmup` allows at the last of `steps`."""
    return (1 + steps) / (10 + steps)
