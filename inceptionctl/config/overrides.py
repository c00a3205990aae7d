"""The words after a command together: none sets what another does, all name groups, options and keys that there are."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

from hydra.core.override_parser.types import ChoiceSweep, Glob, Override, RangeSweep
from hydra.errors import HydraException

from inceptionctl.config.hints import unknown_option, unknown_setting
from inceptionctl.config.keys import flatten
from inceptionctl.config.words import as_typed, read
from inceptionctl.errors import RequestError, shortened

LISTS = ("ablation", "tracker")  # groups that take several options, or none
NONE = "none"  # an option that stands for no choice
MOST_WORDS, MOST_RUNS = 1000, 1000
NO_GROUPS: Mapping[str, Sequence[str]] = {}


def parse(words: Sequence[str]) -> list[Override]:
    """Raises RequestError for a word that cannot be read."""
    if len(words) > MOST_WORDS:
        raise RequestError(f"there are {len(words):,} settings: at most {MOST_WORDS:,}")
    return [read(word) for word in words]


def sweeps(
    words: Sequence[str], multirun: bool, groups: Mapping[str, Sequence[str]] = NO_GROUPS
) -> Iterator[list[str]]:
    """The overrides of each run: `seed=0,1 arch=a,b` with -m are four runs, others are one. Raises RequestError for too
    many."""
    overrides = parse(words)
    swept = [override.input_line for override in overrides if override.is_sweep_override()]
    if swept and not multirun:
        raise RequestError(f"{swept[0]} asks for several runs: add -m, or write a list as 'key=[a,b]'")
    check_once(overrides)
    counts = [_count(override, groups) for override in overrides]
    if (runs := math.prod(counts)) > MOST_RUNS:
        raise RequestError(f"{' '.join(map(shortened, filter(None, swept)))}: {runs:,} runs, at most {MOST_RUNS:,}")
    for run in product(*(axis(override, groups) for override in overrides)):
        yield [word for word in run if word]


def _count(override: Override, groups: Mapping[str, Sequence[str]]) -> int:
    """How many values a word names, without making them."""
    sweep = override.value()
    if isinstance(sweep, RangeSweep):
        return _length(override, sweep)
    if isinstance(sweep, ChoiceSweep | Glob):
        return len(axis(override, groups))
    return 1


def _length(override: Override, sweep: RangeSweep) -> int:
    start, stop, step = sweep.start or 0, sweep.stop or 0, sweep.step
    try:
        number = math.ceil((stop - start) / step)
    except (OverflowError, ValueError, ZeroDivisionError) as error:  # an infinite end, or a step of 0
        raise RequestError(f"{override.input_line}: a range has a start, an end, and a step that is not 0") from error
    if number < 1:
        raise RequestError(f"{override.input_line} names no value: from {start} to {stop} in steps of {step}")
    return number


def axis(override: Override, groups: Mapping[str, Sequence[str]]) -> list[str | None]:
    """The word for each run. Raises RequestError for a value that comes twice: the runs would be the same."""
    if not override.is_sweep_override():
        return [override.input_line]
    sweep: object = override.value()
    if isinstance(sweep, Glob):
        values: Iterable[str] = _matching(override, sweep, groups)
    else:
        try:
            values = list(override.sweep_string_iterator())
        except HydraException as error:
            raise RequestError(f"{override.input_line}: {error}") from error
    words = [f"{override.get_key_element()}={value}" for value in values]
    if len({*words}) < len(words):
        twice = next(word for word in words if words.count(word) > 1)
        raise RequestError(f"{override.input_line} names {twice} twice: the runs would be the same")
    return list(words)


def _matching(override: Override, glob: Glob, groups: Mapping[str, Sequence[str]]) -> list[str]:
    options = groups.get(override.key_or_group)
    if options is None:
        raise RequestError(f"{override.input_line}: glob() chooses among the options of a group, such as arch")
    found = [
        option
        for option in options
        if any(fnmatchcase(option, pattern) for pattern in glob.include)
        and not any(fnmatchcase(option, pattern) for pattern in glob.exclude)
    ]
    if not found:
        raise RequestError(f"{override.input_line} matches none of {', '.join(options)}")
    return found


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


def check_once(overrides: Sequence[Override]) -> None:
    """Raises RequestError if two words set the same: the last would win."""
    set_by: dict[str, str] = {}
    for override in overrides:
        key, word = override.key_or_group, as_typed(override)
        paths = list(flatten({key: override.value()}))
        for path in paths:
            if other := next((other for before, other in set_by.items() if _overlap(path, before)), None):
                both = f", or {key}=[A,B] for both" if key in LISTS else ""
                raise RequestError(f"{other} and {word} set the same: leave one of them out{both}")
        set_by |= dict.fromkeys(paths, word)


def _overlap(one: str, other: str) -> bool:
    """Whether two keys are the same, or one lies in the other; `optim=rmsprop` leaves optim.eps to be set."""
    outer, inner = sorted((one, other), key=len)
    return outer == inner or ("." in outer and inner.startswith(f"{outer}."))


def check_overrides(words: Sequence[str], groups: Mapping[str, Sequence[str]], keys: Iterable[str]) -> None:
    """Raises RequestError for a group, an option or a key that does not exist, whether +, ++ or ~ stands before it, and
    for what is set twice."""
    overrides, known = parse(words), {*keys, *groups}
    check_once(overrides)
    recipes = {override.key_or_group: override for override in overrides}.keys() & {"experiment", "scale"}
    if len(recipes) == 2:
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
    paths = list(_paths(key, value, sections))
    for path in paths:
        if path not in known:
            raise unknown_setting(path, known, typed, groups)
    for path in paths:
        group, leaf = path.partition(".")[0], path.rpartition(".")[2]
        if leaf == "name" and group in groups and path.count(".") == 1 + (group in LISTS):
            raise RequestError(f"{typed}: {path} follows from the option: write {group}=NAME")
    if override.is_delete():
        raise RequestError(f"{typed}: a setting cannot be removed; null is none, where it may be none")
    if override.package is not None:
        raise RequestError(f"{typed}: write {key}=VALUE, without @")
    if key in sections and (not isinstance(value, dict) or not value):
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
    elif override.is_add() or override.is_force_add() or override.package is not None:
        remedy = f"write {group}={override.get_value_element_as_str()}, without + or @"
    elif isinstance(value, list) and not several:
        remedy = f"{group} takes one option"
    elif isinstance(value, list) and len(set(map(str, value))) < len(value):
        remedy = "an option is named twice"
    elif isinstance(value, list) and NONE in value and len(value) > 1:
        remedy = f"{NONE} goes with no other option"
    else:
        _check_options(override, groups)
        return
    raise RequestError(f"{override.input_line}: {remedy}\n  available: {', '.join(groups[group])}")


def _check_options(override: Override, groups: Mapping[str, Sequence[str]]) -> None:
    group, value = override.key_or_group, override.value()
    for option in value if isinstance(value, list) else [value]:
        if option not in groups[group]:
            raise unknown_option(group, str(option), groups, override.input_line or "")
