"""Learning rate schedules by name: each a section of settings that builds a pure function of the step. No torch.

A new schedule is a class and a line of `SCHEDULES`, and `conf/schedule/NAME.yaml`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from inceptionctl.settings import MOST, Count, Epochs, Flag, Fraction, NonNegative, Positive, Share, section
from inceptionctl.training.clock import Clock

Decay = Callable[[int], float]  # step -> factor on the learning rate
# Factor on the learning rate where the batch is so many times as large: Goyal et al. 2017, section 2.1 (linear), and
# Krizhevsky 2014, "One weird trick" (sqrt keeps the gradient's variance). The Inception papers have none.
SCALING: dict[str, Callable[[float], float]] = {"linear": lambda ratio: ratio, "sqrt": math.sqrt}


@dataclass(frozen=True)
class Schedule:
    """The learning rate of a step: `lr` x `decay`(step), after a linear rise over the first `warmup_steps`."""

    lr: float
    decay: Decay
    warmup_steps: int = 0

    def __call__(self, step: int) -> float:
        return self.lr * self.decay(step) * min(1.0, (step + 1) / (self.warmup_steps + 1))


@section
class ScheduleSettings(ABC):
    """What every schedule has."""

    name: str
    lr: Positive
    """Learning rate for `base_batch_size` images a step, before any decay."""
    base_batch_size: Count | None
    """Images a step that `lr` is for; null: `lr` holds for any train.batch_size."""
    lr_scaling: Literal["linear", "sqrt"]
    """How the learning rate follows train.batch_size / base_batch_size."""
    warmup_epochs: Annotated[NonNegative, Field(le=MOST)]
    """Epochs over which the learning rate rises linearly from the first step's small value to its full one."""

    @abstractmethod
    def decay(self, clock: Clock) -> Decay:
        """The factor on the learning rate at each step of a run of the length of `clock`, warm-up left out."""

    def idle(self, epochs: float) -> dict[str, str]:
        """Settings that a run of `epochs` never comes to, by key, with the reason of each."""
        return {}

    def schedule(self, batch_size: int, clock: Clock) -> Schedule:
        lr = self.lr * self.lr_factor(batch_size)
        return Schedule(lr, self.decay(clock), round(self.warmup_epochs * clock.steps_per_epoch))

    def lr_factor(self, batch_size: int) -> float:
        """The factor on `lr` in a run of `batch_size` images a step."""
        base = self.base_batch_size
        return 1.0 if base is None else SCALING[self.lr_scaling](batch_size / base)


@section
class Constant(ScheduleSettings):
    """The same learning rate throughout."""

    name: Literal["constant"]

    def decay(self, clock: Clock) -> Decay:
        return lambda step: 1.0


@section
class Exponential(ScheduleSettings):
    """Times `gamma` every `decay_epochs`. The papers: x0.94 every two epochs."""

    name: Literal["exponential"]
    gamma: Fraction
    """Factor on the learning rate, once per `decay_epochs`."""
    decay_epochs: Epochs
    """Epochs in which the learning rate falls by `gamma`."""
    staircase: Flag
    """Falls at once at the end of each `decay_epochs`, or (false) a little at every step."""

    def idle(self, epochs: float) -> dict[str, str]:
        if not self.staircase or epochs > self.decay_epochs:
            return {}
        reason = f"the first decay comes after {self.decay_epochs:g} epochs, and the run has {epochs:g}"
        return {"gamma": reason, "decay_epochs": reason}

    def decay(self, clock: Clock) -> Decay:
        period = self.decay_epochs * clock.steps_per_epoch
        whole: Callable[[float], float] = math.floor if self.staircase else float
        return lambda step: self.gamma ** whole(step / period)


def _increasing(milestones: list[float]) -> list[float]:
    if milestones != sorted(set(milestones)):
        raise ValueError("out of order: each milestone comes after the one before")
    return milestones


@section
class MultiStep(ScheduleSettings):
    """Times `gamma` at each milestone."""

    name: Literal["step"]
    gamma: Fraction
    """Factor on the learning rate at each milestone."""
    milestones: Annotated[list[Epochs], Field(min_length=1), AfterValidator(_increasing)]
    """Epochs at which the learning rate falls, in increasing order."""

    def idle(self, epochs: float) -> dict[str, str]:
        if epochs > self.milestones[0]:
            return {}
        reason = f"the first milestone is epoch {self.milestones[0]:g}, and the run has {epochs:g}"
        return {"gamma": reason, "milestones": reason}

    def decay(self, clock: Clock) -> Decay:
        milestones = [round(epoch * clock.steps_per_epoch) for epoch in self.milestones]
        return lambda step: self.gamma ** sum(milestone <= step for milestone in milestones)


@section
class Cosine(ScheduleSettings):
    """Half a cosine over the whole run (Loshchilov and Hutter 2017, without restarts)."""

    name: Literal["cosine"]
    min_lr_ratio: Share
    """Learning rate at the end of the run, as a share of the full one."""

    def decay(self, clock: Clock) -> Decay:
        low, steps = self.min_lr_ratio, clock.steps
        return lambda step: low + (1 - low) * ((1 + math.cos(math.pi * min(1.0, step / steps))) / 2)


SCHEDULES: dict[str, type[ScheduleSettings]] = {
    "constant": Constant,
    "exponential": Exponential,
    "step": MultiStep,
    "cosine": Cosine,
}
