"""The learning rate as a pure function of the step. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Exponential:
    """`rate` times `factor` every `every` steps, at once (`staircase`) or little by little, after a linear rise over
    the first `warmup` steps. The papers: x0.94 every two epochs."""

    rate: float
    factor: float
    every: float
    warmup: int = 0
    staircase: bool = False

    def __call__(self, step: int) -> float:
        periods = step / self.every
        decayed = self.rate * self.factor ** (math.floor(periods) if self.staircase else periods)
        return decayed * min(1.0, (step + 1) / (self.warmup + 1))


@dataclass(frozen=True)
class Constant:
    rate: float
    warmup: int = 0

    def __call__(self, step: int) -> float:
        return self.rate * min(1.0, (step + 1) / (self.warmup + 1))


Schedule = Exponential | Constant
