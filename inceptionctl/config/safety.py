"""Keeps settings from running code: Hydra calls what its own settings name, and a cluster runs `launch.setup`.

So those come from our groups and the command line alone, never from a folder of settings that somebody else wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inceptionctl.config.keys import flatten, matches, path_keys
from inceptionctl.config.overrides import flatten_overrides, parse
from inceptionctl.errors import RequestError

COMMANDS = ("launch.setup", "launch.extra")  # run on a cluster's nodes, given to sbatch
REPORTED = ("runtime", "overrides", "job.override_dirname", "searchpath")  # follow from the command line


def check_words(words: Sequence[str]) -> None:
    """Raises RequestError for overrides that name code or another source of settings."""
    for override in parse(words):
        if "_target_" in (override.input_line or "") and override.key_or_group not in path_keys():
            raise RequestError(f"{override.input_line}: settings are data, and _target_ names code to run")
        if override.key_or_group == "hydra.searchpath":
            raise RequestError("hydra.searchpath is not supported: groups of your own join with --config-dir")


def check_hydra_settings(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """Raises RequestError if a folder of settings changes Hydra's own: its callbacks and log handlers are code."""
    before, now = flatten(ours), flatten(theirs)
    changed = sorted(key for key in before | now if before.get(key) != now.get(key) and not matches(key, REPORTED))
    if changed:
        raise RequestError(f"a folder of settings may not change Hydra's own, which can run code: hydra.{changed[0]}")


def check_commands(tree: Mapping[str, Any], words: Sequence[str]) -> None:
    """Raises RequestError if `tree` has commands for a cluster that `words`, the command line, do not set."""
    typed = flatten_overrides(words)
    for key, value in flatten({"launch": tree.get("launch") or {}}).items():
        if matches(key, COMMANDS) and key not in typed and (value or key not in COMMANDS):
            raise _runs_code(key)


def check_no_commands(words: Sequence[str]) -> None:
    """Raises RequestError if `words`, of a table, set commands for a cluster."""
    for key in flatten_overrides(words):
        if matches(key, COMMANDS):
            raise _runs_code(key)


def _runs_code(key: str) -> RequestError:
    return RequestError(f"{key} can run code: give it on the command line, not in a file of settings")
