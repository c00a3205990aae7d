"""How long a running average remembers: arithmetic that a plan can do without torch."""

from __future__ import annotations

import math
from typing import Literal

Memory = Literal["fraction", "half_life", "decay"]


def ema_decay(memory: Memory, value: float, steps: int, steps_per_epoch: int) -> float:
    """The decay per step of an average in a run of `steps`. `value` is the decay itself, the epochs after which a
    weight counts half, or the share of the run that the memory, 1 / (1 - decay) steps, is."""
    if memory == "decay":
        return value
    if memory == "half_life":
        return float(0.5 ** (1.0 / (value * steps_per_epoch)))
    return max(0.0, 1.0 - 1.0 / max(1.0, value * steps))


def memory_of(decay: float) -> float:
    """1 / (1 - decay), in steps: what the weights of all steps sum to where the newest counts 1."""
    return 1.0 / (1.0 - decay) if decay < 1.0 else math.inf


def exceeds_run(decay: float, steps: int) -> bool:
    """Whether the memory is longer than a run of `steps`. Compared as decays: the whole run as a memory is none too
    long, and 1 / (1 - decay) would round to either side of it."""
    return decay > ema_decay("fraction", 1.0, steps, steps)
