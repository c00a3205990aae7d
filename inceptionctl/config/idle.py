"""Idle settings: those that another setting keeps from having any effect.

The rule: an idle setting is no part of a run's identity, and one that somebody typed (on the command line, or in a row
of a table) is refused. What came along with an option of a group, a scale or an experiment is passed over, so that
`scale=imagenet data=digits` works: it has the identity that it has with `augment=none`. A table's overrides apply to
all of its rows, so one is refused only if it is idle in each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from inceptionctl.config.keys import flatten, matches
from inceptionctl.config.schema import Config
from inceptionctl.errors import RequestError
from inceptionctl.models.settings import Arch
from inceptionctl.models.spec.nodes import Conv, Linear, Sep
from inceptionctl.models.spec.walk import leaves
from inceptionctl.models.zoo.registry import architecture
from inceptionctl.models.zoo.switches import SIZES

# Values that say what is the case where their setting is idle: nobody is misled by one.
NEUTRAL = {"arch.aux.at": [], "augment.name": "none", "loss.aux_weight": 0, "train.bn_batch_size": None}
# Idle settings that are as another value, which is not idle, says.
SAME_AS = {"arch.init": "release"}
WARMUP = "schedule.warmup_epochs"
# Settings of a table's cells side by side.
FOR_TABLES = ("launch.jobs", "launch.array_parallelism")


def idle_settings(config: Config) -> dict[str, str]:
    """The keys of idle settings, or of whole groups, with the reason of each."""
    return dict(_idle(config))


def _idle(config: Config) -> Iterator[tuple[str, str]]:
    arch, train = config.arch, config.train
    if config.data.drawn:
        yield "augment", f"data={config.data.name} draws its images at the size of the network's input"
    if config.schedule.base_batch_size is None:
        yield "schedule.lr_scaling", "schedule.base_batch_size = null, so that schedule.lr holds for any batch size"
    if not arch.aux.head:
        for key in ("arch.aux.at", "arch.aux.norm", "loss.aux_weight", "loss.smooth_aux"):
            yield key, "the network has no auxiliary heads (arch.aux.head = false)"
    if not config.loss.label_smoothing:
        yield "loss.smooth_aux", "loss.label_smoothing = 0"
    if train.keep_best:
        for key in ("train.monitor", "train.monitor_epochs"):
            yield key, "train.keep_best = true evaluates the whole dev split after each epoch"
    yield from _in_network(arch)
    yield from _in_schedule(config)


_networks: dict[str, list[tuple[str, str]]] = {}  # the rows of a table share most networks, and seeds all


def _in_network(arch: Arch) -> list[tuple[str, str]]:
    if (key := repr(arch)) not in _networks:
        _networks[key] = list(_idle_in_network(arch))
    return _networks[key]


def _idle_in_network(arch: Arch) -> Iterator[tuple[str, str]]:
    spec = arch.spec(classes=1)
    layers = list(leaves(spec))
    if not any(isinstance(layer, Conv | Sep) and layer.norm for layer in layers):
        for key in ("arch.bn_momentum", "arch.bn_eps", "train.bn_batch_size", "train.ema.buffers"):
            yield key, f"{arch.name} has no batch norm"
    states_none = all(layer.init is None for layer in layers if isinstance(layer, Conv | Linear | Sep))
    if arch.init == architecture(arch.name).init and states_none:
        yield "arch.init", f"the initial weights of {arch.name} are {arch.init} already (arch.init=release)"
    for name, reason in SIZES.items():
        without = replace(arch, rewrites=replace(arch.rewrites, **{name: None}))
        if getattr(arch.rewrites, name) is not None and without.spec(classes=1) == spec:
            yield f"arch.rewrites.{name}", f"{arch.name} stays as it is: {reason}"


def _in_schedule(config: Config) -> Iterator[tuple[str, str]]:
    """What a run that is too short for it never comes to."""
    for key, reason in config.schedule.idle(config.train.epochs).items():
        yield f"schedule.{key}", reason


def check_idle(configs: Sequence[Config], typed: Mapping[str, Any]) -> None:
    """`typed`: settings that somebody wrote for all of `configs`, {"augment": "slim"} or {"augment.area": [0.1, 1]}.

    Raises RequestError for one that is idle in each of these.
    """
    found = [idle_settings(config) for config in configs]
    for key, value in flatten(typed).items():
        reasons = [next((why for pattern, why in idle.items() if matches(key, [pattern])), None) for idle in found]
        if all(reasons) and value != NEUTRAL.get(key, NEUTRAL.get(f"{key}.name", ...)):
            raise RequestError(f"{key}={value} has no effect: {reasons[0]}\n  leave it out")
    _check_warmup(configs, typed)


def _check_warmup(configs: Sequence[Config], typed: Mapping[str, Any]) -> None:
    """Raises RequestError for a warm-up that a run ends in. One that was not typed is fitted to the run."""
    for config in configs if WARMUP in flatten(typed) else ():
        warmup, epochs = config.schedule.warmup_epochs, config.train.epochs
        if warmup >= epochs:
            raise RequestError(
                f"{WARMUP}={warmup:g}: the learning rate rises over {warmup:g} epochs, and the run, of {epochs:g}, "
                f"would never learn at schedule.lr\n  give less than train.epochs, such as {WARMUP}={epochs / 10:g}"
            )


def check_one_run(typed: Mapping[str, Any]) -> None:
    """Raises RequestError for a setting that concerns a table's cells alone."""
    for key in filter(typed.__contains__, FOR_TABLES):
        raise RequestError(f"{key}={typed[key]} has no effect on a single run: it is for the cells of a table")


def effective_settings(config: Config) -> dict[str, Any]:
    """The settings by key, without the idle ones."""
    idle = tuple(idle_settings(config))
    settings = flatten(asdict(config))
    return {key: value for key, value in settings.items() if not matches(key, idle)} | {
        key: value for key, value in SAME_AS.items() if key in idle
    }
