"""From a composed tree to a `Config`, and what is asked of one: its identity, its leaves, its keys.

`parse` accepts no unknown key, no missing one and no value out of range.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from inceptionctl.config.schema import Config, Ema, Local, Schedule, Slurm
from inceptionctl.data.registry import SOURCES
from inceptionctl.data.transforms import AUGMENTATIONS
from inceptionctl.errors import RequestError, unknown
from inceptionctl.models.settings import with_network_facts
from inceptionctl.trackers.registry import TRACKERS

T = TypeVar("T")

# Raised by hand whenever code makes the same settings give other results.
RESULTS_VERSION = 2

# What each schedule reads beside its rate and its warm-up.
SCHEDULES: dict[str, tuple[str, ...]] = {
    "exponential": ("gamma", "decay_epochs"),
    "step": ("gamma", "milestones"),
    "cosine": ("min_lr_ratio",),
    "constant": (),
}

# Groups whose options differ in keys: the section of each by name.
VARIANTS: dict[str, dict[str, type]] = {
    "launch": {"local": Local, "slurm": Slurm},
    "data": {**SOURCES},
    "augment": {**AUGMENTATIONS},
    "tracker": {**TRACKERS},
}
OURS = {"array", "error", "output", "parsable", "wrap"}  # options of sbatch
SECRET = re.compile(r"\w*(key|token|secret|password)\w*=", re.IGNORECASE)

# What a run's result does not depend on.
IRRELEVANT = (
    "name", "outputs", "run_dir", "rerun", "launch", "tracker",
    "data.root", "data.train", "data.val", "data.workers", "train.log_every", "train.keep_checkpoints", "train.monitor",
)  # fmt: skip


def parse(tree: Mapping[str, Any]) -> Config:
    """The Config of a composed, resolved tree. Raises RequestError that names the key, the value and what may be."""
    config = parse_as(Config, with_network_facts(tree))
    _check_together(config)
    return config


def parse_as(schema: type[T], tree: Mapping[str, Any]) -> T:
    """Any section of a tree, as strictly."""
    try:
        return TypeAdapter(schema).validate_python(tree)
    except ValidationError as error:
        raise _explained(error, schema) from error


def identity(config: Config) -> str:
    """Twelve hexadecimal digits that two runs share when they must give the same result."""
    ignored = (*IRRELEVANT, "weights") if config.weights_sha256 else IRRELEVANT  # what a file holds, not where it lies
    relevant = {key: value for key, value in flatten(asdict(config)).items() if not matches(key, ignored)}
    text = json.dumps([RESULTS_VERSION, relevant], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`; lists are leaves."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def matches(path: str, patterns: Sequence[str]) -> bool:
    """Whether `path` is one of `patterns` or lies below one (`optim` and `optim.**` both cover `optim.eps`)."""
    stems = [pattern.removesuffix(".**") for pattern in patterns]
    return any(path == stem or path.startswith(f"{stem}.") for stem in stems)


def key_paths(schema: type = Config, prefix: str = "") -> Iterator[str]:
    """Every key of the schema with the path that leads to it, groups included."""
    for name, kind in get_type_hints(schema).items():
        if name not in _names(schema):
            continue
        yield prefix + name
        for inner in (kind, *getattr(kind, "__args__", ())):  # `Jitter` and `Jitter | None` alike
            if isinstance(inner, type) and is_dataclass(inner):
                yield from key_paths(inner, f"{prefix}{name}.")


def unknown_setting(key: str, known: set[str], written: str) -> RequestError:
    """Offers the settings beside the one that `key` was meant to be, or the top level."""
    parent = key.rpartition(".")[0]
    beside = [path for path in known if path.rpartition(".")[0] == (parent if parent in known else "")]
    return unknown("setting", key, beside, written)


def _explained(error: ValidationError, schema: type) -> RequestError:
    """The first thing that pydantic found, in the words of the command line."""
    first = error.errors()[0]
    path = ".".join(_key(first["loc"]))
    if first["type"] == "unexpected_keyword_argument":
        return wrong_variant(path) or unknown_setting(path, set(key_paths(schema)), path)
    if first["type"] == "missing":
        return RequestError(f"{path} has no value: every setting needs one (null where it may be empty)")
    reason = first["msg"].replace("Input", "it").removeprefix("Value error, ")
    return RequestError(f"{path} = {first['input']} is not allowed: {reason[0].lower()}{reason[1:]}")


def _key(loc: Sequence[int | str]) -> Iterator[str]:
    """pydantic's path, without what it puts there for constraints and for the option of a group that it took."""
    for before, part in zip(("", *loc), loc, strict=False):
        if not str(part).startswith("constrained") and part not in VARIANTS.get(str(before), ()):
            yield str(part)


def wrong_variant(key: str) -> RequestError | None:
    """For a setting that another option of the group than the chosen one has; None if none has."""
    group, _, setting = key.partition(".")
    having = [name for name, kind in VARIANTS.get(group, {}).items() if setting.partition(".")[0] in _names(kind)]
    if not having:
        return None
    options = " and ".join(f"{group}={name}" for name in having)
    return RequestError(f"{key} is a setting of {options}, not of the {group} chosen here")


def _names(kind: type) -> set[str]:
    return {field.name for field in fields(kind)}


def _check_launch(config: Config) -> None:
    """How many ranks there are is said once; commands that a cluster's nodes run hold no secret."""
    launch = config.launch
    if not isinstance(launch, Slurm):
        return
    ranks = launch.nodes * launch.gpus_per_node
    if ranks and launch.nproc not in (None, ranks):
        raise RequestError(
            f"launch.nproc = {launch.nproc} is not launch.nodes x launch.gpus_per_node = {ranks}, one rank a "
            "GPU: leave it out"
        )
    if launch.nproc and launch.nproc % launch.nodes:
        raise RequestError(f"launch.nproc = {launch.nproc} cannot be shared by launch.nodes = {launch.nodes} alike")
    if taken := sorted(OURS & (launch.extra or {}).keys()):
        raise RequestError(f"launch.extra.{taken[0]} is not free: that is how runs find their logs and their cells")
    for line in [*(launch.setup or []), *(launch.extra or {}).values()]:
        if line and SECRET.search(line):
            raise RequestError(
                "launch.setup or launch.extra sets what looks like a secret, and would be kept in the run folder\n"
                "  export it before this command instead: sbatch passes the environment on"
            )


def _check_together(config: Config) -> None:
    """Rules that concern more than one key."""
    if config.loss.aux_weight and not config.arch.aux.head:
        raise RequestError(
            f"loss.aux_weight = {config.loss.aux_weight} weighs a side head, and arch.aux.head is false: set it to 0"
        )
    if config.optim.name == "rmsprop" and (config.optim.decay is None or config.optim.eps is None):
        raise RequestError("optim.name = rmsprop needs optim.decay and optim.eps (optim=rmsprop sets both)")
    _check_schedule(config.schedule)
    _check_ema(config.train.ema)
    _check_launch(config)


def _check_ema(ema: Ema) -> None:
    """The range of `value` depends on what it is."""
    allowed, what = {
        "fraction": (ema.decay <= 1, "a share of the run is at most 1"),
        "half_life": (ema.decay > 0, "a half-life, in epochs, is more than 0"),
        "decay": (ema.decay < 1, "a decay is less than 1"),
    }[ema.unit]
    if not allowed:
        raise RequestError(f"train.ema.decay = {ema.decay:g} is not allowed with train.ema.unit = {ema.unit}: {what}")


def _check_schedule(schedule: Schedule) -> None:
    """Each schedule has the settings that it reads and no other."""
    reads = SCHEDULES[schedule.name]
    for key in sorted({key for keys in SCHEDULES.values() for key in keys}):
        value = getattr(schedule, key)
        if key in reads and value is None:
            raise RequestError(
                f"schedule.name = {schedule.name} needs {' and '.join(f'schedule.{key}' for key in reads)}: "
                f"schedule.{key} is null"
            )
        if key not in reads and value is not None:
            raise RequestError(
                f"schedule.{key} = {value} means nothing to schedule.name = {schedule.name}: set it to null"
            )
    milestones = schedule.milestones or []
    if milestones != sorted(set(milestones)):
        raise RequestError(f"schedule.milestones = {milestones} is out of order: each comes after the one before")
