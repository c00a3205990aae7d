"""Fits a recipe's warm-up to a shorter run, and says what a run is too short for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from inceptionctl.config.schema import Config
from inceptionctl.training.clock import Clock
from inceptionctl.training.ema_decay import ema_decay, highest_after_warmup
from inceptionctl.training.schedules import Exponential, MultiStep

SHORT_WARMUP = 0.1  # of the run: as at scale=digits


def with_fitting_warmup(config: Config) -> Config:
    """A warm-up that a run would end in, so that it never learns at its learning rate, takes a tenth of the run.

    One that somebody typed has been refused before (`config.idle`), so this one came with a recipe.
    """
    warmup, epochs = config.schedule.warmup_epochs, config.train.epochs
    if warmup < epochs:
        return config
    schedule = replace(config.schedule, warmup_epochs=round(SHORT_WARMUP * epochs, 6))
    return replace(config, schedule=schedule, resolved=replace(config.resolved, usual_warmup=warmup))


def schedule_notes(config: Config, clock: Clock) -> list[str]:
    """What is other than its setting says, in a run of this length."""
    return [*_warmup(config, clock), *_decay(config), *_average(config, clock)]


def _warmup(config: Config, clock: Clock) -> Iterator[str]:
    warmup, epochs, usual = config.schedule.warmup_epochs, config.train.epochs, config.resolved.usual_warmup
    if usual is not None:
        yield (
            f"warm-up shortened from {usual:g} to {warmup:g} epochs, a tenth of the run: it has {epochs:g} "
            "(schedule.warmup_epochs sets it)"
        )
    elif warmup > epochs / 2:
        yield f"the warm-up, {warmup:g} epochs, is more than half of the run"
    if warmup and not round(warmup * clock.steps_per_epoch):
        yield f"no warm-up: {warmup:g} epochs are less than half a step"


def _decay(config: Config) -> Iterator[str]:
    schedule, epochs = config.schedule, config.train.epochs
    if idle := schedule.idle(epochs):
        yield f"the learning rate never falls: {next(iter(idle.values()))}"
    elif isinstance(schedule, Exponential) and epochs < schedule.decay_epochs:
        gamma, decay_epochs = schedule.gamma, schedule.decay_epochs
        yield f"the learning rate falls by {gamma:g} in {decay_epochs:g} epochs, and the run has {epochs:g}"
    elif isinstance(schedule, MultiStep) and epochs <= schedule.milestones[-1]:
        beyond = ", ".join(f"{milestone:g}" for milestone in schedule.milestones if milestone >= epochs)
        yield f"the run has {epochs:g} epochs and never comes to the milestones {beyond}"


def _average(config: Config, clock: Clock) -> Iterator[str]:
    ema = config.train.ema
    decay = ema_decay(ema.unit, ema.decay, clock.steps, clock.steps_per_epoch)
    if ema.warmup and decay > (highest := highest_after_warmup(clock.steps)):
        yield f"train.ema.warmup holds the average's decay below {highest:.5g} to the end; without, it is {decay:.5g}"
