"""The settings of many runs side by side, as their config.yaml has them, and those in which they differ."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import yaml

from inceptionctl.config.keys import PLACES, flatten, matches
from inceptionctl.files import MAX_YAML_BYTES, FileError, read_text
from inceptionctl.runs.paths import RunDir
from inceptionctl.yaml_files import MAX_DEPTH, read_yaml

Settings = Mapping[str, Any]
NOT_SHOWN = (*PLACES, "tuned", "weights_key", "resolved.usual_warmup", "resolved.weights_key")
SEED = re.compile(r"^seed: (\d+)\n", re.MULTILINE)
UNUSUAL = re.compile(r"[&*!%|>]|: *[\[{]")  # what our own files do not have: read strictly
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_settings(run: RunDir) -> dict[str, Any]:
    """By key, without those that say where or how the run is worked on. They are not checked: a run of another version
    is listed too. Raises FileError for a file that cannot be read."""
    text = read_text(run.config, MAX_YAML_BYTES)
    seed = SEED.search(text)
    if not seed or UNUSUAL.search(text) or " " * (2 * MAX_DEPTH) in text:
        return _shown(read_yaml(run.config))
    try:
        return _parsed(text[: seed.start()] + text[seed.end() :]) | {"seed": int(seed[1])}
    except yaml.YAMLError:
        return _shown(read_yaml(run.config))  # which names the line


@lru_cache(maxsize=256)
def _parsed(text: str) -> dict[str, Any]:
    """Without the seed, so that the seeds of one row are parsed once: that takes longer than all else."""
    return _shown(yaml.load(text, LOADER))


def _shown(tree: object) -> dict[str, Any]:
    if not isinstance(tree, dict) or not all(isinstance(key, str) for key in tree):
        raise FileError("config.yaml is no mapping of settings")
    return {key: value for key, value in flatten(tree).items() if not matches(key, NOT_SHOWN)}


def differing(runs: Sequence[Settings]) -> list[str]:
    """The keys with several values, in the order of the files. One that only some options of a group have counts among
    the runs that have it."""
    keys = dict.fromkeys(key for settings in runs for key in settings)
    return [key for key in keys if len({repr(settings[key]) for settings in runs if key in settings}) > 1]


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Names for the heads of columns, by key: the last part of a key if no other ends so; `optim.name` is optim."""
    names = {key: key.removesuffix(".name") for key in keys}
    last = [name.rpartition(".")[2] for name in names.values()]
    return {key: end if last.count(end) == 1 else name for (key, name), end in zip(names.items(), last, strict=True)}


def shown(value: object) -> str:
    """A value as it is typed."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{','.join(map(shown, value))}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
