"""Completes the settings of commands that Hydra composes: groups, options, keys, and the values of a choice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from inceptionctl.completion.answer import Answer, starting
from inceptionctl.completion.line import Line
from inceptionctl.config.compose import OWN_SETTINGS, Composer, composer_for
from inceptionctl.config.keys import SCHEMAS, all_settings, key_paths, settings_of
from inceptionctl.config.overrides import LISTS
from inceptionctl.config.schema import Config
from inceptionctl.config.table_settings import TableSettings
from inceptionctl.config.values import choices_of
from inceptionctl.errors import InceptionctlError
from inceptionctl.models.weights.releases import LIBRARIES

CROSSED = "switches"  # a setting of `ablate` that takes options of the group ablation
SIGNS = "+~"  # of Hydra, before a key


def complete(line: Line) -> Answer:
    """Behind +, ++ and ~ too."""
    key = line.word.lstrip(SIGNS)
    sign = line.word[: len(line.word) - len(key)]
    answer = _complete(line, key)
    return Answer([f"{sign}{word}" for word in answer.words], answer.files)


def _complete(line: Line, typed: str) -> Answer:
    options, (key, equals, value) = groups(line), typed.partition("=")
    if key == CROSSED and line.command == "ablate":
        options = {**options, CROSSED: options["ablation"]}
    if not equals:
        own = OWN_SETTINGS.get(line.command, {})
        return Answer(matching_keys({*key_paths(SCHEMAS.get(line.command, Config)), *own}, options, key))
    values = (
        _options(options[key], value, key in (*LISTS, CROSSED))
        if key in options
        else starting(value, values_of(key, line))
    )
    return Answer([f"{key}={one}" for one in values], files=key in path_keys())


def groups(line: Line) -> Mapping[str, Sequence[str]]:
    """With those of the folder that --config-dir names on the line, if it can be read."""
    if folder := line.value_of("--config-dir"):
        with suppress(InceptionctlError):
            return Composer(str(Path(folder).expanduser())).groups(line.command)
    return composer_for(None).groups(line.command)


def matching_keys(keys: Iterable[str], groups: Iterable[str], typed: str) -> list[str]:
    """Down to the next dot: `train.` before `train.epochs=`. An option is chosen by `optim=`, not by `optim.name=`."""
    sections = {key.rpartition(".")[0] for key in keys}
    known = {f"{key}." if key in sections else f"{key}=" for key in keys} | {f"{group}=" for group in groups}
    known -= {f"{group}.name=" for group in groups}
    names = {key for key in keys if key.startswith("tracker.") and key.endswith(".name")}
    alone = {
        key.rpartition(".")[0] for key in names if sum(one.startswith(key.removesuffix("name")) for one in keys) == 1
    }
    known -= {f"{key}=" for key in names} | {f"{key}." for key in alone}
    return [key for key in starting(typed, known) if key.rstrip(".=").count(".") == typed.count(".")]


def values_of(key: str, line: Line) -> set[str]:
    """The values of a setting that has a few; of one that takes a file those that are none."""
    if line.command == "ablate" and key in OWN_SETTINGS["ablate"]:
        return {value for own in settings_of(TableSettings) if own.key == key for value in choices_of(own.kind)}
    if key in path_keys():
        return set(LIBRARIES) if key == "weights" else set()
    return {value for setting in all_settings() if setting.key == key for value in choices_of(setting.kind)}


def path_keys() -> set[str]:
    return {"weights", *(setting.key for setting in all_settings() if setting.is_path)}


def _options(options: Collection[str], typed: str, several: bool) -> list[str]:
    """Of a list, `[a,b` is completed in its last element, with what is not in it yet. A single match is offered in both
    ways to go on, so that the shell does not end the word."""
    if not several or not typed.startswith("["):
        return starting(typed, options)
    *chosen, last = typed.removeprefix("[").split(",")
    found = starting(last, set(options) - set(chosen))
    endings = ["]", ","] if len(found) == 1 else [""]
    return ["[" + ",".join([*chosen, option]) + ending for option in found for ending in endings]
