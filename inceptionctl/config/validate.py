"""From a composed tree to a `Config`: no unknown key, no missing one, no value out of range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from inceptionctl.config.evaluation import EvalSettings
from inceptionctl.config.hints import foreign_setting, unknown_setting
from inceptionctl.config.keys import SCHEMAS, key_paths, sections_in, types_of
from inceptionctl.config.later import with_later_settings
from inceptionctl.config.launch import check_launch
from inceptionctl.config.overrides import LISTS
from inceptionctl.config.schema import Config, Ema
from inceptionctl.config.values import written
from inceptionctl.config.words import quoted_word
from inceptionctl.errors import RequestError, shortened, unknown
from inceptionctl.models.settings import with_network_facts
from inceptionctl.settings import MOST
from inceptionctl.trackers.settings import with_trackers_by_name
from inceptionctl.written import reason

T = TypeVar("T")


def parse(tree: Mapping[str, Any]) -> Config:
    """The Config of a composed, resolved tree. Raises RequestError with the key, the value and the choices."""
    if "resolved" in tree:
        raise unknown_setting("resolved", key_paths())
    return _parsed(tree)


def parse_frozen(tree: Mapping[str, Any]) -> Config:
    """The Config of a run's config.yaml, which has what planning filled in, and may be older than some settings."""
    return _parsed(with_later_settings(with_trackers_by_name(tree)))


def _parsed(tree: Mapping[str, Any]) -> Config:
    config = parse_as(Config, with_network_facts(tree))
    _check_ema(config.train.ema)
    _check_selection(config)
    check_launch(config.launch)
    return config


def parse_evaluation(tree: Mapping[str, Any]) -> EvalSettings:
    """The settings of `eval` of a composed, resolved tree."""
    settings = parse_as(EvalSettings, with_network_facts(tree))
    check_launch(settings.launch)
    return settings


def check_tree(command: str, tree: Mapping[str, Any]) -> None:
    """Raises RequestError unless the settings that `command` composed are whole and right."""
    known = {key: tree[key] for key in tree.keys() & key_paths(SCHEMAS[command])}
    (parse_evaluation if command == "eval" else parse)(known)


def parse_as(schema: type[T], tree: Mapping[str, Any]) -> T:
    """Any section of a tree, as strictly."""
    try:
        return TypeAdapter(schema).validate_python(tree)
    except ValidationError as error:
        raise _explained(error, schema) from error


def _explained(error: ValidationError, schema: type) -> RequestError:
    """The first thing that pydantic found, in the words of the command line."""
    first = error.errors()[0]
    parts, options = _located(first["loc"], schema)
    key, group = ".".join(parts), parts[0]
    match first["type"]:
        case "unexpected_keyword_argument":
            return foreign_setting(key, options.get(group)) or unknown_setting(key, key_paths(schema))
        case "missing" if parts[-1] == "name" and group in LISTS:
            return _not_chosen(parts[0], parts[1], first["input"])
        case "missing":
            advice = f"{group}={options[group]} sets it" if group in options else "every setting needs one"
            return RequestError(f"{key} has no value: {advice}")
        case "union_tag_invalid":
            choices = first["ctx"]["expected_tags"].replace("'", "").split(", ")
            return unknown(key, first["ctx"]["tag"], choices, f"{key}.name={first['ctx']['tag']}")
        case "union_tag_not_found":
            return RequestError(f"{key}.name has no value: choose with {key}=NAME")
    why = f"{reason(first)}{_remedy(first['type'], key, first['input'])}"
    return RequestError(f"{key} = {shortened(written(first['input']))} is not allowed: {why}")


def _not_chosen(group: str, option: str, settings: Mapping[str, Any]) -> RequestError:
    """For settings of an option that a list of options lacks."""
    key = f"{group}.{option}.{next(iter(settings), '')}"
    return RequestError(
        f"{key} is a setting of {group}={option}, which is not chosen\n"
        f"  write {group}={option}, or '{group}=[A,{option}]' beside another"
    )


def _remedy(kind: str, key: str, value: object) -> str:
    """How to write what was probably meant."""
    if kind == "int_type" and isinstance(value, float) and value.is_integer() and abs(value) < MOST:
        return f": write {key}={int(value)}"
    if kind == "bool_type":
        return ", true or false"
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f": write {quoted_word(f'{key}={written(value)}')}"
    return ""


def _located(loc: Sequence[int | str], schema: type) -> tuple[list[str], dict[str, str]]:
    """(parts of the key, option of each group on the way): pydantic's path without its tags of unions, up to a leaf."""
    parts: list[str] = []
    options: dict[str, str] = {}
    choices: dict[str | None, type] = {None: schema}
    for part in loc:
        if isinstance(part, int):
            parts.append(str(part))
        elif part in choices:
            options[parts[-1]], choices = part, {None: choices[part]}
        elif None in choices:
            parts.append(part)
            choices = sections_in(types_of(choices[None]).get(part))
    return parts, options


def _check_selection(config: Config) -> None:
    if config.train.keep_best and config.data.eval_split == "dev":
        raise RequestError(
            "train.keep_best = true chooses a checkpoint on the dev split, and data.eval_split = dev reports the error "
            "on it: set one of them back"
        )


def _check_ema(ema: Ema) -> None:
    """The range of `decay` depends on its unit."""
    allowed, what = {
        "fraction": (ema.decay <= 1, "a share of the run is at most 1"),
        "half_life": (ema.decay > 0, "a half-life, in epochs, is more than 0"),
        "decay": (ema.decay < 1, "a decay per step is less than 1"),
    }[ema.unit]
    if not allowed:
        raise RequestError(f"train.ema.decay = {ema.decay:g} is not allowed with train.ema.unit = {ema.unit}: {what}")
