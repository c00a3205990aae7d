"""Settings that came later or were renamed, with the value that runs before had: their folders stay readable, and their
identities hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inceptionctl.data.registry import SOURCES
from inceptionctl.data.training_source import TrainingSource
from inceptionctl.models.settings import ADDED_REWRITES


@dataclass(frozen=True)
class LaterSetting:
    """`option`: of the group that has the setting, where not every option has it."""

    key: str
    value: object
    option: str | None = None


LATER = (
    *(LaterSetting(f"arch.rewrites.{name}", value) for name, value in ADDED_REWRITES.items()),
    LaterSetting("data.train_fraction", None, "imagefolder"),
    LaterSetting("data.cache", "none", "imagefolder"),
    LaterSetting("data.leave_out", None, "imagefolder"),
    *(
        LaterSetting(f"data.{key}", "cpu", name)
        for name, source in SOURCES.items()
        if issubclass(source, TrainingSource)
        for key in ("augment_on", "decode_on")
    ),
    LaterSetting("tracker.wandb.entity", None),
)
IN_MEMORY = {True: "memory", False: "none"}  # what data.in_memory, of before, is in words of data.cache
VALUES = {setting.key: setting.value for setting in LATER}


def with_later_settings(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run folder with those that came after it."""
    filled = _with_cache(dict(tree))
    for setting in LATER:
        *sections, name = setting.key.split(".")
        if _has(filled, sections, setting.option):
            _fill(filled, sections, name, setting.value)
    return filled


def _with_cache(tree: dict[str, Any]) -> dict[str, Any]:
    data = tree.get("data")
    if not isinstance(data, Mapping) or "in_memory" not in data:
        return tree
    before = data["in_memory"]
    cache = IN_MEMORY[before] if isinstance(before, bool) else before  # what it may not be is refused later
    return tree | {"data": {key: value for key, value in data.items() if key != "in_memory"} | {"cache": cache}}


def _has(tree: Mapping[str, Any], sections: list[str], option: str | None) -> bool:
    group: Any = tree
    for section in sections:
        group = group.get(section) if isinstance(group, Mapping) else None
    return isinstance(group, Mapping) and option in (None, group.get("name"))


def _fill(tree: dict[str, Any], sections: list[str], name: str, value: object) -> None:
    """Copies each section on the way: the tree of a caller stays as it is."""
    for section in sections:
        tree[section] = dict(tree[section])
        tree = tree[section]
    tree.setdefault(name, value)
