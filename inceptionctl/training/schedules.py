"""Learning rate schedules by name: pure functions of the step. No torch.

A new schedule is a section of settings, a function that builds its decay and a line of `SCHEDULES`, and
`conf/schedule/NAME.yaml`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from inceptionctl.settings import Count, Fraction, NonNegative, Positive, Share, section
from inceptionctl.training.clock import Clock

Decay = Callable[[int], float]  # step -> factor on the learning rate
# Factor on the learning rate where the batch is so many times as large: Goyal et al. 2017, section 2.1 (linear), and
# Krizhevsky 2014, "One weird trick" (sqrt keeps the gradient's variance). The Inception papers have none.
SCALING: dict[str, Callable[[float], float]] = {"linear": lambda ratio: ratio, "sqrt": math.sqrt}


def _increasing(milestones: list[float]) -> list[float]:
    if milestones != sorted(set(milestones)):
        raise ValueError("out of order: each milestone comes after the one before")
    return milestones


@dataclass(frozen=True)
class Schedule:
    """The learning rate of a step: `lr` x `decay`(step), after a linear rise over the first `warmup_steps`."""

    lr: float
    decay: Decay
    warmup_steps: int = 0

    def __call__(self, step: int) -> float:
        return self.lr * self.decay(step) * min(1.0, (step + 1) / (self.warmup_steps + 1))


@section
class ScheduleSettings:
    """What every schedule reads."""

    name: str
    """Which schedule this is, a key of `SCHEDULES`."""
    lr: Positive
    """Learning rate for `base_batch_size` images a step, before any decay."""
    base_batch_size: Count | None
    """Images a step that `lr` is for; null: `lr` holds for any train.batch_size."""
    lr_scaling: Literal["linear", "sqrt"]
    """How the learning rate follows train.batch_size / base_batch_size."""
    warmup_epochs: NonNegative
    """Epochs over which the learning rate rises linearly from the first step's small value to its full one."""


@section
class Constant(ScheduleSettings):
    """The same learning rate throughout."""

    name: Literal["constant"]


def _constant(settings: Constant, clock: Clock) -> Decay:
    return lambda step: 1.0


@section
class Exponential(ScheduleSettings):
    """Times `gamma` every `decay_epochs`. The papers: x0.94 every two epochs."""

    name: Literal["exponential"]
    gamma: Fraction
    """Factor on the learning rate, once per `decay_epochs`."""
    decay_epochs: Positive
    """Epochs in which the learning rate falls by `gamma`."""
    staircase: bool
    """Falls at once at the end of each `decay_epochs`, or (false) a little at every step."""


def _exponential(settings: Exponential, clock: Clock) -> Decay:
    period = settings.decay_epochs * clock.steps_per_epoch
    whole: Callable[[float], float] = math.floor if settings.staircase else float
    return lambda step: settings.gamma ** whole(step / period)


@section
class MultiStep(ScheduleSettings):
    """Times `gamma` at each milestone."""

    name: Literal["step"]
    gamma: Fraction
    """Factor on the learning rate at each milestone."""
    milestones: Annotated[list[Positive], Field(min_length=1), AfterValidator(_increasing)]
    """Epochs at which the learning rate falls, in increasing order."""


def _multi_step(settings: MultiStep, clock: Clock) -> Decay:
    milestones = [round(epoch * clock.steps_per_epoch) for epoch in settings.milestones]
    return lambda step: settings.gamma ** sum(milestone <= step for milestone in milestones)


@section
class Cosine(ScheduleSettings):
    """Half a cosine over the whole run (Loshchilov and Hutter 2017, without restarts)."""

    name: Literal["cosine"]
    min_lr_ratio: Share
    """Learning rate at the end of the run, as a share of the full one."""


def _cosine(settings: Cosine, clock: Clock) -> Decay:
    low, steps = settings.min_lr_ratio, clock.steps
    return lambda step: low + (1 - low) * ((1 + math.cos(math.pi * min(1.0, step / steps))) / 2)


@dataclass(frozen=True)
class ScheduleEntry:
    """`settings`: the section that `build` makes a decay of, for a run of the length of a clock."""

    settings: type[ScheduleSettings]
    build: Callable[[Any, Clock], Decay]


SCHEDULES = {
    "constant": ScheduleEntry(Constant, _constant),
    "exponential": ScheduleEntry(Exponential, _exponential),
    "step": ScheduleEntry(MultiStep, _multi_step),
    "cosine": ScheduleEntry(Cosine, _cosine),
}


def make_schedule(settings: ScheduleSettings, batch_size: int, clock: Clock) -> Schedule:
    """The schedule that `settings` name, at the learning rate that goes with `batch_size`."""
    decay = SCHEDULES[settings.name].build(settings, clock)
    lr = settings.lr * lr_factor(settings, batch_size)
    return Schedule(lr, decay, round(settings.warmup_epochs * clock.steps_per_epoch))


def lr_factor(settings: ScheduleSettings, batch_size: int) -> float:
    """The factor on `settings.lr` for a run of `batch_size` images a step."""
    base = settings.base_batch_size
    return 1.0 if base is None else SCALING[settings.lr_scaling](batch_size / base)
