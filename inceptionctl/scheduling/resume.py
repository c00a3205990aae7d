"""The settings of a run that is resumed: its own, with those changed that its result does not depend on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from hydra.core.override_parser.types import Override, OverrideType

from inceptionctl.config.compose import compose
from inceptionctl.config.hints import unknown_setting
from inceptionctl.config.identity import IRRELEVANT, identity
from inceptionctl.config.keys import key_paths, matches
from inceptionctl.config.launch import Slurm
from inceptionctl.config.overrides import parse
from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse_frozen
from inceptionctl.errors import RequestError
from inceptionctl.planning.plan import Plan
from inceptionctl.planning.plan import plan as make_plan
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.paths import RunDir

KEPT = ("tuned", "name", "outputs", "run_dir", "rerun")  # of IRRELEVANT: what a run that is resumed has already
KEPT_LAUNCH = ("accumulation_steps", "threads")  # the run's bits depend on them


def resumed_plan(run: RunDir, words: Sequence[str]) -> Plan:
    """Raises RequestError for settings that may not change, for a folder that cannot be written to, and if the images
    are not those that the run began with."""
    config = resumed_config(read_config(run), words)
    if not os.access(run.path, os.W_OK | os.X_OK):
        raise RequestError(f"{run.path} cannot be written to, and a run continues in its own folder")
    plan = make_plan(replace(config, run_dir=str(run.path), rerun=False))
    if config.resolved.data_fingerprint != plan.config.resolved.data_fingerprint:
        raise RequestError(f"the images of {run.path} have changed since it began: {plan.data.provenance}")
    return plan


def resumed_config(config: Config, words: Sequence[str]) -> Config:
    """`config` with the settings that `words` change. Raises RequestError for one that the result depends on."""
    overrides, launch_words = _parsed(words), _launch_words(words)
    tree: dict[str, Any] = asdict(config) | {"launch": _launch(config, launch_words)}
    for override in overrides:
        if override.input_line not in launch_words:
            _set(tree, override)
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


def _set(tree: dict[str, Any], override: Override) -> None:
    """Sets one `key=value` in `tree`."""
    key, word, known = override.key_or_group, override.input_line or "", set(key_paths())
    if key not in known:
        raise unknown_setting(key, known, word)
    if matches(key, KEPT):
        raise RequestError(f"{word} has no effect: a run that is resumed keeps its folder and its attempt")
    if not matches(key, IRRELEVANT):
        changeable = [key for key in IRRELEVANT if key not in KEPT]
        raise RequestError(f"{word} would change the result: resume changes only {', '.join(changeable)}")
    *groups, leaf = key.split(".")
    for group in groups:
        tree = tree.get(group)  # type: ignore[assignment]
        if not isinstance(tree, dict):
            raise RequestError(f"{word}: this run has no {group}")
    tree[leaf] = override.value()


def _parsed(words: Sequence[str]) -> list[Override]:
    """Raises RequestError for words that are no plain `key=value`, and for a key that is set twice."""
    overrides, seen = parse(words), set[str]()
    for override in overrides:
        key, word = override.key_or_group, override.input_line or ""
        if override.is_sweep_override():
            raise RequestError(f"{word} asks for several runs, and resume continues one: give one value")
        if override.type is not OverrideType.CHANGE or override.package:
            raise RequestError(f"{word}: write {key}={override.get_value_element_as_str() or 'VALUE'}, without + or ~")
        if key in seen:
            raise RequestError(f"{word}: {key} is set twice")
        seen.add(key)
    return overrides
