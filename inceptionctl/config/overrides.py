"""What was typed after a command: `key=value` words, parsed and checked against the groups and keys that there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from inceptionctl.config.hints import unknown_option, unknown_setting
from inceptionctl.config.keys import flatten
from inceptionctl.errors import RequestError

LISTS = ("ablation",)  # groups that take several options, or none


def parse(words: Sequence[str]) -> list[Override]:
    """Raises RequestError for words that Hydra's grammar does not allow."""
    try:
        return OverridesParser.create().parse_overrides(overrides=list(words))
    except HydraException as error:
        raise RequestError(f"cannot read {' '.join(words)!r}: {str(error).splitlines()[0]}") from error


def sweeps(words: Sequence[str], multirun: bool) -> Iterator[list[str]]:
    """The overrides of each run: `seed=0,1 arch=a,b` with -m are four runs, others are one."""
    overrides = parse(words)
    swept = [override.input_line for override in overrides if override.is_sweep_override()]
    if swept and not multirun:
        raise RequestError(f"{swept[0]} asks for several runs: add -m, or write a list as 'key=[a,b]'")
    axes = [
        [f"{o.get_key_element()}={v}" for v in o.sweep_string_iterator()] if o.is_sweep_override() else [o.input_line]
        for o in overrides
    ]
    for run in product(*axes):
        yield [word for word in run if word]


def group_choices(words: Sequence[str], group: str) -> list[str]:
    """The options of a group that `words` name: `ablation=[a,b]` gives a and b."""
    values = [override.value() for override in parse(words) if override.key_or_group == group]
    return [str(option) for value in values for option in (value if isinstance(value, list) else [value]) if option]


def flatten_overrides(words: Sequence[str]) -> dict[str, Any]:
    """Every key that `words` set with its value; `launch.extra={a:1}` sets launch.extra.a."""
    flat: dict[str, Any] = {}
    for override in parse(words):
        flat |= flatten({override.key_or_group: override.value()})
    return flat


def is_for_hydra(override: Override) -> bool:
    return override.key_or_group.startswith(("hydra.", "hydra/"))


def check_overrides(words: Sequence[str], groups: Mapping[str, Sequence[str]], keys: Iterable[str]) -> None:
    """Raises RequestError for a group, an option or a key that does not exist, whether +, ++ or ~ stands before it."""
    overrides, known = parse(words), {*keys, *groups}
    if {"experiment", "scale"} <= {override.key_or_group for override in overrides}:
        raise RequestError("experiment= is a whole recipe and excludes scale=: give one of them")
    for override in overrides:
        if override.key_or_group in groups and not isinstance(override.value(), dict):
            _check_choice(override, groups)
        elif not is_for_hydra(override):
            _check_keys(override, known, groups)


def _check_keys(override: Override, known: Collection[str], groups: Mapping[str, Sequence[str]]) -> None:
    """`train={epochs:3}` sets train.epochs."""
    sections = {key.rpartition(".")[0] for key in known}
    key, typed, value = override.key_or_group, override.input_line or "", override.value()
    for path in _paths(key, value, sections):
        if path not in known:
            raise unknown_setting(path, known, typed, groups)
    if key in sections and not isinstance(value, dict):
        raise RequestError(f"{typed}: {key} is a section: set its keys, as in {key}.KEY=VALUE")


def _paths(key: str, value: object, sections: Collection[str]) -> Iterator[str]:
    if key in sections and isinstance(value, dict):
        for inner, inner_value in value.items():
            yield from _paths(f"{key}.{inner}", inner_value, sections)
    else:
        yield key


def _check_choice(override: Override, groups: Mapping[str, Sequence[str]]) -> None:
    group, value, several = override.key_or_group, override.value(), override.key_or_group in LISTS
    if override.is_delete() or value in (None, ""):
        remedy = f"choose an option of {group}{f', or {group}=[] for none' if several else ''}"
    elif override.is_add() or override.is_force_add() or override.package:
        remedy = f"write {group}={override.get_value_element_as_str()}, without + or @"
    elif isinstance(value, list) and not several:
        remedy = f"{group} takes one option"
    elif isinstance(value, list) and len(set(map(str, value))) < len(value):
        remedy = "an option is named twice"
    else:
        _check_options(override, groups)
        return
    raise RequestError(f"{override.input_line}: {remedy}\n  available: {', '.join(groups[group])}")


def _check_options(override: Override, groups: Mapping[str, Sequence[str]]) -> None:
    group, value = override.key_or_group, override.value()
    for option in value if isinstance(value, list) else [value]:
        if option not in groups[group]:
            raise unknown_option(group, str(option), groups, override.input_line or "")
