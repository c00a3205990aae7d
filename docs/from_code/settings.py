"""A page for each section of settings: keys, values, what they take and mean; the options of its group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from from_code.text import code, page, plain, table
from inceptionctl.config.compose import OWN_SETTINGS, Composer
from inceptionctl.config.help import GROUPS
from inceptionctl.config.keys import SCHEMAS, Setting, flatten, key_paths, settings_of
from inceptionctl.config.values import values_of, written

CONF = Path(__file__).parents[2] / "conf"
TITLES = ["setting", "by default", "takes", "what it is"]
RUN = "Settings of the run itself"
OWN = {
    "ablate": "Settings that `ablate` has beside those of `train`",
    "eval": "Settings that `eval` has beside those of its groups",
}


def pages() -> Iterator[tuple[str, str]]:
    composer = Composer()
    values = flatten(composer.compose("train", []))
    groups = composer.groups("ablate")
    sections = _by_section(settings_of())
    yield "settings/run.md", page(RUN, _rows(sections.pop(""), values))
    for name in sorted({*sections, *groups}):
        parts = [_options(composer, name, groups[name])] if name in groups else []
        if name in sections:
            parts += ["## Settings", *_settings(sections[name], values)]
        yield f"settings/{name}.md", page(f"Settings: {name}", _about(name), *parts)
    for command, title in OWN.items():
        yield f"settings/{command}.md", page(title, _own(composer, command))


def _about(name: str) -> str:
    return f"{GROUPS[name]}." if name in GROUPS else ""


def _own(composer: Composer, command: str) -> str:
    tree = flatten(composer.compose(command, []))
    own = [(code(key), code(written(tree.get(key))), "", plain(docs)) for key, docs in OWN_SETTINGS[command].items()]
    others = [one for one in settings_of(SCHEMAS[command]) if one.key not in key_paths() and one.docs]
    return table(TITLES, [*own, *(_row(one, tree) for one in others)])


def _by_section(settings: tuple[Setting, ...]) -> dict[str, list[Setting]]:
    found = dict[str, list[Setting]]()
    for one in settings:
        section, dot, name = one.key.partition(".")
        if one.docs and not one.is_section and name.rpartition(".")[2] != "name":
            found.setdefault(section if dot else "", []).append(one)
    return found


def _settings(settings: list[Setting], values: Mapping[str, Any]) -> Iterator[str]:
    """Those that every option has, then those of each option."""
    for option in dict.fromkeys(one.option for one in settings):
        title = f"### Of {code(option)}" if option else ""
        yield from filter(None, [title, _rows([one for one in settings if one.option == option], values)])


def _rows(settings: list[Setting], values: Mapping[str, Any]) -> str:
    return table(TITLES, [_row(one, values) for one in settings])


def _row(one: Setting, values: Mapping[str, Any]) -> tuple[str, ...]:
    value = code(written(values[one.key])) if one.key in values else ""
    return code(one.key), value, plain(values_of(one.kind)), plain(one.docs)


def _options(composer: Composer, group: str, options: list[str]) -> str:
    rows = [
        (code(f"{group}={option}"), _set_by(composer, group, option), _comment(group, option)) for option in options
    ]
    return table(["option", "sets", "what it is"], rows)


def _set_by(composer: Composer, group: str, option: str) -> str:
    """What its file sets by itself, but for null, which leaves a setting open."""
    found = {key: value for key, value in composer.settings_in(group, option).items() if value is not None}
    return ", ".join(code(f"{key}={written(value)}") for key, value in found.items() if key not in ("name", "defaults"))


def _comment(group: str, option: str) -> str:
    """The comment that its file begins with."""
    lines = (CONF / group / f"{option}.yaml").read_text().splitlines()
    head = lines[1:] if lines[:1] == ["# @package _global_"] else lines
    count = next((i for i, line in enumerate(head) if not line.startswith("#")), len(head))
    return plain(" ".join(line.removeprefix("#").strip() for line in head[:count]))
