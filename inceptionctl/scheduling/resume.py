"""The settings of a run that is resumed: its own, with those changed that its result does not depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import yaml

from inceptionctl.config.compose import compose
from inceptionctl.config.hints import unknown_setting
from inceptionctl.config.identity import IRRELEVANT, identity
from inceptionctl.config.keys import key_paths, matches
from inceptionctl.config.launch import Slurm
from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse_frozen
from inceptionctl.errors import RequestError
from inceptionctl.planning.plan import Plan
from inceptionctl.planning.plan import plan as make_plan
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.paths import RunDir

KEPT_LAUNCH = ("accumulation_steps", "threads")  # the run's bits depend on them


def resumed_plan(run: RunDir, words: Sequence[str]) -> Plan:
    """Raises RequestError for settings that may not change, and if the images are not those that the run began with."""
    config = resumed_config(read_config(run), words)
    plan = make_plan(replace(config, run_dir=str(run.path), rerun=False))
    if config.resolved.data_fingerprint != plan.config.resolved.data_fingerprint:
        raise RequestError(f"the images of {run.path} have changed since it began: {plan.data.provenance}")
    return plan


def resumed_config(config: Config, words: Sequence[str]) -> Config:
    """`config` with the settings that `words` change. Raises RequestError for one that the result depends on."""
    launch_words = _launch_words(words)
    tree: dict[str, Any] = asdict(config) | {"launch": _launch(config, launch_words)}
    for word in words:
        if word not in launch_words:
            _set(tree, word)
    resumed = parse_frozen(tree)
    assert identity(resumed) == identity(config), "only settings without influence on the result have changed"
    return resumed


def _launch_words(words: Sequence[str]) -> list[str]:
    """`launch=slurm` and the words that set its settings."""
    named = any(word.startswith("launch=") for word in words)
    return [word for word in words if named and word.startswith(("launch=", "launch."))]


def _launch(config: Config, words: Sequence[str]) -> dict[str, Any]:
    """As before unless `words` name another launch. Slurm's settings are never taken from the run folder: they may
    contain commands."""
    before = asdict(config.launch)
    if not words and isinstance(config.launch, Slurm):
        raise RequestError("this run was launched by Slurm: give launch=slurm with its settings, or launch=local")
    if not words:
        return before
    set_keys = {word.partition("=")[0] for word in words}
    kept = {key: before[key] for key in KEPT_LAUNCH if f"launch.{key}" not in set_keys and before[key]}
    return dict(compose("train", words)["launch"]) | kept


def _set(tree: dict[str, Any], word: str) -> None:
    """Sets one `key=value` in `tree`."""
    key, equals, value = word.partition("=")
    if not equals or key not in set(key_paths()):
        raise unknown_setting(key, set(key_paths()), word)
    if not matches(key, IRRELEVANT):
        raise RequestError(f"{word} would change the result: resume changes only {', '.join(IRRELEVANT)}")
    *groups, leaf = key.split(".")
    for group in groups:
        tree = tree[group]
    tree[leaf] = yaml.safe_load(value)
