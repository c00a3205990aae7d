"""The keys of the settings: which there are, what each is for, and which options of a group have it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from typing import Any, get_args, get_type_hints

from inceptionctl.config.evaluation import EvalSettings
from inceptionctl.config.schema import Config
from inceptionctl.settings import OneOf, TakenAsTyped, field_docs

NO_SETTINGS = ("tuned", "resolved")  # fields of Config that are filled in by composing and planning
# Where a run is kept and worked on: not shown as what it is. launch.setup and launch.extra may hold secrets too.
PLACES = (
    "name", "outputs", "run_dir", "rerun", "launch", "tracker",
    "data.workers", "train.log_every", "train.keep_checkpoints",
)  # fmt: skip
SCHEMAS = {"train": Config, "ablate": Config, "eval": EvalSettings}  # by command


@dataclass(frozen=True)
class Setting:
    """A key with its annotated type; `option`: that of its group which has it ("cosine"), None if every one has."""

    key: str
    kind: object
    section: type
    option: str | None = None

    @property
    def is_path(self) -> bool:
        return bool(_marks(self.kind))

    @property
    def is_list_of_paths(self) -> bool:
        return any(mark.several for mark in _marks(self.kind))

    @property
    def is_section(self) -> bool:
        return bool(sections_in(self.kind))

    @property
    def docs(self) -> str:
        return field_docs(self.section).get(self.key.rpartition(".")[2], "")


@cache
def settings_of(schema: type = Config) -> tuple[Setting, ...]:
    """Every setting in the order of the schema, groups included; one that only some options of its group have comes
    once for each of these."""
    return tuple(setting for setting in _walk(schema, "", None) if not matches(setting.key, NO_SETTINGS))


def _walk(section: type, prefix: str, option: str | None) -> Iterator[Setting]:
    for name, kind in types_of(section).items():
        yield Setting(prefix + name, kind, section, option)
        yield from _within(kind, f"{prefix}{name}.", option)


def _within(kind: object, prefix: str, option: str | None) -> Iterator[Setting]:
    """The settings of the sections that a value of this type can be; those that all of them have come once."""
    found = [list(_walk(inner, prefix, name or option)) for name, inner in sections_in(kind).items()]
    shared = set.intersection(*({setting.key for setting in one} for one in found)) if found else set()
    yield from (replace(setting, option=option) for setting in (found or [[]])[0] if setting.key in shared)
    yield from (setting for one in found for setting in one if setting.key not in shared)


def types_of(section: type) -> dict[str, object]:
    """The annotated type of each field."""
    hints = get_type_hints(section, include_extras=True)
    return {field.name: hints[field.name] for field in fields(section)}


def sections_in(kind: object) -> dict[str | None, type]:
    """The sections that a value of this type can be, by option; the only one under None."""
    found: dict[str | None, type] = {}
    for part in (kind, *get_args(kind)):
        if isinstance(part, OneOf):
            return dict(part.sections.items())
        if isinstance(part, type) and is_dataclass(part):
            found[None] = part
    return found


def key_paths(schema: type = Config) -> set[str]:
    return {setting.key for setting in settings_of(schema)}


@cache
def all_settings() -> tuple[Setting, ...]:
    """Those of a run, then those that an evaluation has beside them."""
    return (*settings_of(), *(setting for setting in settings_of(EvalSettings) if setting.key not in key_paths()))


@cache
def path_keys() -> frozenset[str]:
    """The settings that are paths, whose values are taken as they are typed."""
    return frozenset(setting.key for setting in all_settings() if setting.is_path)


@cache
def path_lists() -> frozenset[str]:
    """Those of them that may name several, as [A,B]."""
    return frozenset(setting.key for setting in all_settings() if setting.is_list_of_paths)


def _marks(kind: object) -> list[TakenAsTyped]:
    if isinstance(kind, TakenAsTyped):
        return [kind]
    return [] if sections_in(kind) else [mark for part in get_args(kind) for mark in _marks(part)]


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`; lists are leaves."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def matches(path: str, patterns: Sequence[str]) -> bool:
    """Whether `path` is one of `patterns` or lies below one (`optim` and `optim.**` both cover `optim.eps`)."""
    stems = [pattern.removesuffix(".**") for pattern in patterns]
    return any(path == stem or path.startswith(f"{stem}.") for stem in stems)
