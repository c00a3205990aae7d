"""The text of `train --help` and the like: groups with their options, settings with their values, flags."""

from __future__ import annotations

import shutil
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inceptionctl.config.compose import OWN_SETTINGS, Composer, resolved
from inceptionctl.config.keys import SCHEMAS, flatten, settings_of
from inceptionctl.config.overrides import group_choices
from inceptionctl.config.values import values_of, written
from inceptionctl.models.settings import with_network_facts

WIDEST = 120
GROUPS = {
    "ablation": "Switches of the papers, any number of them: 'ablation=[a,b]'",
    "arch": "Network",
    "augment": "Augmentation of training images",
    "data": "Data set",
    "experiment": "A paper's whole recipe, instead of scale=",
    "launch": "Where and how the processes run",
    "loss": "Loss",
    "optim": "Optimizer",
    "protocol": "How the trained network is evaluated",
    "scale": "Size of the data, the network and the run",
    "schedule": "Learning rate over the run",
    "table": "Table to run",
    "tracker": "Where metrics go beside metrics.jsonl, one or several: 'tracker=[a,b]'",
    "tuned": "What a network needs at a scale, chosen by the two; tuned=none leaves it out",
}
FLAGS = {
    "--dry-run": "print the plan and write nothing",
    "-m": "several runs, one for each combination of seed=0,1,2 arch=a,b",
    "--cfg job": "print the composed settings as YAML",
    "--config-dir DIR": "add options of your own to the groups, such as DIR/optim/mine.yaml",
    "--help": "print this text, for the options typed beside it",
    "--hydra-help": "print the other flags of Hydra",
}


@dataclass(frozen=True)
class Command:
    """A command whose settings Hydra composes."""

    name: str
    description: str
    examples: Sequence[str]
    flags: Mapping[str, str] = field(default_factory=dict)
    """Those that it alone has, with what they do."""


def help_text(command: Command, overrides: Sequence[str], composer: Composer) -> str:
    """For the options that `overrides` choose; no line is wider than the terminal."""
    config = composer.compose_config(command.name, overrides)
    choices, tree = config.hydra.runtime.choices, with_network_facts(resolved(config))
    own = [(f"{key}={written(tree[key])}", docs) for key, docs in OWN_SETTINGS[command.name].items()]
    if "seeds" in tree:
        del tree["seed"]
    sections = _sections(tree, SCHEMAS[command.name])
    parts = [
        f"inceptionctl {command.name} [flags] [group=option ...] [key=value ...]",
        "\n".join(_wrapped(command.description, _width())),
        _listed(
            "Groups (group=option; * is chosen here)", 14, _options(composer.groups(command.name), choices, overrides)
        ),
        _listed("Settings (key=value, as they are here)", 32, [*own, *sections.pop("")]),
        *(_listed(_title(section, choices), 32, entries) for section, entries in sections.items()),
        _listed("Flags", 24, {**FLAGS, **command.flags}.items()),
        "\n".join(["Examples", *(f"  {line}" for line in command.examples)]),
    ]
    return "\n\n".join(parts)


def _options(
    groups: Mapping[str, Sequence[str]], choices: Mapping[str, Any], overrides: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Hydra's `choices` lack those of a list."""
    for group, options in sorted(groups.items()):
        chosen = {choices.get(group), *group_choices(overrides, group)}
        listed = ", ".join(f"{option}*" if option in chosen else option for option in options)
        yield group, f"{GROUPS[group]}: {listed}" if group in GROUPS else listed


def _title(section: str, choices: Mapping[str, Any]) -> str:
    return f"{section}={choices[section]}" if section in choices else section


def _sections(tree: Mapping[str, Any], schema: type) -> dict[str, list[tuple[str, str]]]:
    """The documented settings that the options chosen in `tree` have, with their values, by section."""
    values, sections = flatten(tree), defaultdict(list)
    for setting in settings_of(schema):
        section, dot, name = setting.key.partition(".")
        chosen = tree[section].get("name") if dot else None
        if (
            setting.key in values
            and setting.option in (None, chosen)
            and setting.docs
            and name.rpartition(".")[2] != "name"
        ):
            docs = f"{setting.docs} {_together(f'[{values_of(setting.kind)}]')}"
            sections[section if dot else ""].append((f"{setting.key}={written(values[setting.key])}", docs))
    return sections


def _listed(title: str, column: int, entries: Iterable[tuple[str, str]]) -> str:
    """Names on the left, explanations from `column` on: below a name that is too long."""
    lines = [title]
    for name, text in entries:
        explained = [" " * column + line for line in _wrapped(text, _width() - column)]
        head = f"  {name}  ".ljust(column)
        lines += [head + explained[0][column:], *explained[1:]] if len(head) == column else [head.rstrip(), *explained]
    return "\n".join(lines)


def _together(text: str) -> str:
    """Keeps a short text on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}") if len(text) < 40 else text


def _wrapped(text: str, width: int) -> list[str]:
    lines = textwrap.wrap(text, width, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _width() -> int:
    return min(WIDEST, shutil.get_terminal_size().columns)
