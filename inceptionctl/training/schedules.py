"""The learning rate as a pure function of the step, and how it grows with the batch. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

# What the rate is multiplied by where the batch is so many times as large: Goyal et al. 2017, section 2.1 (linear), and
# Krizhevsky 2014, "One weird trick" (the root keeps the gradient's variance). The Inception papers have none.
SCALING: dict[str, Callable[[float], float]] = {"linear": lambda ratio: ratio, "sqrt": math.sqrt}


@dataclass(frozen=True)
class Constant:
    """`rate`, after a linear rise over the first `warmup` steps, which all of these have."""

    rate: float
    warmup: int = 0

    def __call__(self, step: int) -> float:
        return self.rate * _risen(step, self.warmup)


@dataclass(frozen=True)
class Exponential:
    """`rate` times `factor` every `every` steps, at once (`staircase`) or little by little. The papers: x0.94 every two
    epochs."""

    rate: float
    factor: float
    every: float
    warmup: int = 0
    staircase: bool = False

    def __call__(self, step: int) -> float:
        periods = step / self.every
        decayed = self.rate * self.factor ** (math.floor(periods) if self.staircase else periods)
        return decayed * _risen(step, self.warmup)


@dataclass(frozen=True)
class Step:
    """`rate` times `factor` from each of the steps in `milestones` on."""

    rate: float
    factor: float
    milestones: tuple[int, ...]
    warmup: int = 0

    def __call__(self, step: int) -> float:
        passed = sum(milestone <= step for milestone in self.milestones)
        return self.rate * self.factor**passed * _risen(step, self.warmup)


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from `rate` down to `floor` times it after `steps` steps (Loshchilov and Hutter 2017, without
    restarts)."""

    rate: float
    floor: float
    steps: int
    warmup: int = 0

    def __call__(self, step: int) -> float:
        share = (1 + math.cos(math.pi * min(1.0, step / self.steps))) / 2
        return self.rate * (self.floor + (1 - self.floor) * share) * _risen(step, self.warmup)


Schedule = Constant | Exponential | Step | Cosine


def _risen(step: int, warmup: int) -> float:
    return min(1.0, (step + 1) / (warmup + 1))
