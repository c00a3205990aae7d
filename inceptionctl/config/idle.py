"""Idle settings: those that another setting keeps from having any effect.

The rule: an idle setting is no part of a run's identity, and one that somebody typed (on the command line, or in a row
of a table) is refused. What came along with an option of a group, a scale or an experiment is passed over, so that
`scale=imagenet data=digits` works: it has the identity that it has with `augment=none`. A table's overrides apply to
all of its rows, so one is refused only if it is idle in each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from inceptionctl.config.keys import flatten, matches
from inceptionctl.config.schema import Config
from inceptionctl.errors import RequestError
from inceptionctl.models.spec.nodes import Conv, Sep
from inceptionctl.models.spec.walk import leaves

# Values that say what is the case where their setting is idle: nobody is misled by one.
NEUTRAL = {"augment.name": "none", "loss.aux_weight": 0, "train.bn_batch_size": None}
# Settings of a table's cells side by side.
FOR_TABLES = ("launch.jobs", "launch.array_parallelism")


def idle_settings(config: Config) -> dict[str, str]:
    """The keys of idle settings, or of whole groups, with the reason of each."""
    return dict(_idle(config))


def _idle(config: Config) -> Iterator[tuple[str, str]]:
    arch, train = config.arch, config.train
    if not config.data.uses_transforms:
        for group in ("augment", "protocol"):
            yield group, f"data={config.data.name} draws its images at the size of the network's input"
    if config.schedule.base_batch_size is None:
        yield "schedule.lr_scaling", "schedule.base_batch_size = null, so that schedule.lr holds for any batch size"
    if not arch.aux.head:
        for key in ("arch.aux.at", "arch.aux.norm", "loss.aux_weight", "loss.smooth_aux"):
            yield key, "the network has no auxiliary heads (arch.aux.head = false)"
    if not config.loss.label_smoothing:
        yield "loss.smooth_aux", "loss.label_smoothing = 0"
    if train.keep_best:
        yield "train.monitor", "train.keep_best = true evaluates the whole dev split after each epoch"
    if not any(isinstance(layer, Conv | Sep) and layer.norm for layer in leaves(arch.spec(classes=1))):
        for key in ("arch.bn_momentum", "arch.bn_eps", "train.bn_batch_size", "train.ema.buffers"):
            yield key, f"{arch.name} has no batch norm"


def check_idle(configs: Sequence[Config], typed: Mapping[str, Any]) -> None:
    """`typed`: settings that somebody wrote for all of `configs`, {"augment": "slim"} or {"augment.area": [0.1, 1]}.

    Raises RequestError for one that is idle in each of these.
    """
    found = [idle_settings(config) for config in configs]
    for key, value in flatten(typed).items():
        reasons = [next((why for pattern, why in idle.items() if matches(key, [pattern])), None) for idle in found]
        if all(reasons) and value != NEUTRAL.get(key, NEUTRAL.get(f"{key}.name", ...)):
            raise RequestError(f"{key}={value} has no effect: {reasons[0]}\n  leave it out")


def check_one_run(typed: Mapping[str, Any]) -> None:
    """Raises RequestError for a setting that concerns a table's cells alone."""
    for key in filter(typed.__contains__, FOR_TABLES):
        raise RequestError(f"{key}={typed[key]} has no effect on a single run: it is for the cells of a table")


def effective_settings(config: Config) -> dict[str, Any]:
    """The settings by key, without the idle ones."""
    idle = tuple(idle_settings(config))
    return {key: value for key, value in flatten(asdict(config)).items() if not matches(key, idle)}
