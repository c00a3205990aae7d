"""Completes the settings of commands that Hydra composes: groups, options, keys, and the values of a choice."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from inceptionctl.completion.answer import Answer, starting
from inceptionctl.completion.known import Known, known
from inceptionctl.completion.line import Line

SIGNS = "+~"  # of Hydra, before a key


def complete(line: Line) -> Answer:
    """Behind +, ++ and ~ too."""
    key = line.word.lstrip(SIGNS)
    sign = line.word[: len(line.word) - len(key)]
    answer = _complete(known(line), key)
    return Answer([f"{sign}{word}" for word in answer.words], answer.files)


def _complete(settings: Known, typed: str) -> Answer:
    key, equals, value = typed.partition("=")
    if not equals:
        return Answer(matching_keys(settings.keys, settings.groups, key))
    values = (
        _options(settings.groups[key], value, key in settings.lists)
        if key in settings.groups
        else starting(value, settings.values.get(key, ()))
    )
    return Answer([f"{key}={one}" for one in values], files=key in settings.paths)


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


def _options(options: Collection[str], typed: str, several: bool) -> list[str]:
    """Of a list, `[a,b` is completed in its last element, with what is not in it yet. A single match is offered in both
    ways to go on, so that the shell does not end the word."""
    if not several or not typed.startswith("["):
        return starting(typed, options)
    *chosen, last = typed.removeprefix("[").split(",")
    found = starting(last, set(options) - set(chosen))
    endings = ["]", ","] if len(found) == 1 else [""]
    return ["[" + ",".join([*chosen, option]) + ending for option in found for ending in endings]
