"""Groups of runs that differ only in their seed, named by what was typed for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from inceptionctl.config.identity import IRRELEVANT, identity
from inceptionctl.config.idle import effective_settings
from inceptionctl.config.keys import matches
from inceptionctl.config.schema import Config
from inceptionctl.report.comparison.runs import ComparedRun
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.settings import Settings, differing, short_names, shown

NOT_IN_NAMES = ("seed", *IRRELEVANT)
MOST_IN_NAME = 6  # settings


@dataclass(frozen=True, kw_only=True)
class Group:
    """`name`: unique among the groups; `settings`: in which they differ, by key; `config`: of its first run."""

    name: str
    settings: Settings
    config: Config
    runs: tuple[ComparedRun, ...]


def groups_of(runs: Sequence[ComparedRun]) -> list[Group]:
    """In the order of the runs, by seed within a group. Raises RequestError for a config.yaml that cannot be read."""
    found = [(config, members) for config, members in _by_settings(runs).values()]
    settings = [_named(config) for config, _ in found]
    keys = differing(settings)
    names = _names([members for _, members in found], settings, keys)
    return [
        Group(
            name=name,
            settings={key: own[key] for key in keys if key in own},
            config=config,
            runs=tuple(sorted(members, key=lambda one: one.result.seed)),
        )
        for name, own, (config, members) in zip(names, settings, found, strict=True)
    ]


def _by_settings(runs: Sequence[ComparedRun]) -> dict[str, tuple[Config, list[ComparedRun]]]:
    """By the identity that the runs have but for their seed. Runs whose files say the same but for that are one group
    without more ado: to check a config.yaml takes long."""
    same: dict[object, list[ComparedRun]] = {}
    for one in runs:
        kept = ((key, repr(value)) for key, value in one.settings.items() if not matches(key, NOT_IN_NAMES))
        same.setdefault(tuple(kept), []).append(one)
    groups: dict[str, tuple[Config, list[ComparedRun]]] = {}
    for members in same.values():
        config = read_config(members[0].run)
        groups.setdefault(identity(replace(config, seed=0)), (config, []))[1].extend(members)
    return groups


def _named(config: Config) -> Settings:
    settings = effective_settings(config)
    return {key: value for key, value in settings.items() if not matches(key, NOT_IN_NAMES)}


def _names(groups: Sequence[Sequence[ComparedRun]], settings: Sequence[Settings], keys: Sequence[str]) -> list[str]:
    """What was typed for each and not for all; if that does not tell them apart, the settings in which they differ; at
    last the identities."""
    typed = [_words(members[0].label) for members in groups]
    common = set.intersection(*map(set, typed)) if len(typed) > 1 else set()
    networks = [str(one["arch.name"]) for one in settings]
    own = [" ".join(word for word in words if word not in common) for words in typed]
    for names in (
        [name or network for name, network in zip(own, networks, strict=True)],
        [_of_settings(one, keys) or network for one, network in zip(settings, networks, strict=True)],
    ):
        if len(set(names)) == len(names):
            return names
    return [f"{name} ({members[0].result.identity})" for name, members in zip(own, groups, strict=True)]


def _words(label: str) -> list[str]:
    """Without the seed, in which the runs of a group differ."""
    return [word for word in label.split(" ") if not word.startswith("seed=")]


def _of_settings(settings: Settings, keys: Sequence[str]) -> str:
    names = short_names(keys)
    return " ".join(f"{names[key]}={shown(settings[key])}" for key in keys[:MOST_IN_NAME] if key in settings)


def differences(groups: Iterable[Group]) -> dict[str, list[str]]:
    """The settings in which the groups differ, with their values in the order of the groups."""
    groups = list(groups)
    keys = differing([group.settings for group in groups])
    return {
        key: list(dict.fromkeys(shown(group.settings[key]) for group in groups if key in group.settings))
        for key in keys
    }
