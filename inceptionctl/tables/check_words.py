"""Checks the words of a table's file: overrides, names of settings, switches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from inceptionctl.config.compose import Composer
from inceptionctl.config.hints import unknown_setting
from inceptionctl.config.keys import key_paths
from inceptionctl.config.overrides import check_overrides, is_for_hydra
from inceptionctl.config.overrides import parse as parse_overrides
from inceptionctl.config.safety import check_no_commands
from inceptionctl.errors import RequestError, unknown
from inceptionctl.tables.source import Key

# Settings that a table may not set, and what is for that.
NOT_IN_TABLES = {
    "ablation": "a switch of a row is its `add`",
    "seed": "`seeds=` on the command line gives the seeds of every row",
    "name": "the table's own name is that of its folder",
    "outputs": "the place of the runs is given on the command line",
    "run_dir": "every cell has a run folder of its own",
    "rerun": "it is given on the command line",
}
FOR_ALL_ROWS = {"launch": "all cells are launched alike", "tracker": "all cells have one tracker"}
NO_SCALE = {"scale": "what is set here is for one scale"}
Problem = tuple[tuple[Key, ...], str]


def check_changes(at: tuple[Key, ...], patterns: Sequence[str]) -> Iterator[Problem]:
    for number, pattern in enumerate(patterns):
        if (key := pattern.removesuffix(".**")) not in key_paths():
            yield (*at, number), str(unknown_setting(key, key_paths()))


def check_words(
    at: tuple[Key, ...], words: Sequence[str], composer: Composer, refused: Mapping[str, str]
) -> Iterator[Problem]:
    """Each is KEY=VALUE for a setting that a table may set, and sets it alone."""
    keys, groups = key_paths(), composer.groups("train")
    seen = set[str]()
    for number, word in enumerate(words):
        try:
            (override,) = parse_overrides([word])
            check_overrides([word], groups, keys)
            check_no_commands([word])
        except RequestError as error:
            yield (*at, number), str(error)
            continue
        key = override.key_or_group
        if is_for_hydra(override):
            yield (*at, number), f"{word} has no effect: Hydra's settings are for -m"
        if override.is_sweep_override():
            yield (*at, number), f"{word} is several values: a row has one (a list is written [a,b])"
        for name, remedy in refused.items():
            if key == name or key.startswith(f"{name}."):
                yield (*at, number), f"{word} is not allowed in a table: {remedy}"
        if key in seen:
            yield (*at, number), f"{word}: {key} is set twice here"
        seen.add(key)


def check_switch(at: tuple[Key, ...], switch: str | None, composer: Composer) -> Iterator[Problem]:
    switches = composer.groups("train")["ablation"]
    if switch is not None and switch not in switches:
        yield at, str(unknown("switch", switch, switches))


def check_scale(at: tuple[Key, ...], scale: str, composer: Composer) -> Iterator[Problem]:
    scales = composer.groups("train")["scale"]
    if scale not in scales:
        yield at, str(unknown("scale", scale, scales))
