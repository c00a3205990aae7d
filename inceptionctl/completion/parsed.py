"""The flags of a command with an argument parser, as its parser has them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from inceptionctl.completion.answer import Answer
from inceptionctl.completion.cache import cached

NETWORKS = ("A", "B")  # metavars of a flag that takes networks
Parsers = Callable[[str], argparse.ArgumentParser]


@dataclass(frozen=True)
class Flag:
    """`names`: ways to write it; `takes`: whether a value follows, which is one of `choices`, a file or a network."""

    names: list[str]
    takes: bool
    choices: list[str]
    is_path: bool
    is_network: bool

    def value(self, word: str) -> Answer:
        return Answer.starting(word, networks() if self.is_network else self.choices, files=self.is_path)


def flags_of(command: str, parser_of: Parsers) -> list[Flag]:
    found = cached(f"flags-{command}", lambda: [asdict(_flag(action)) for action in parser_of(command)._actions])
    return [Flag(**one) for one in found]


def _flag(action: argparse.Action) -> Flag:
    path = action.type is Path or "DIR" in str(action.metavar)
    choices = [str(choice) for choice in action.choices or ()]
    return Flag([*action.option_strings], action.nargs != 0, choices, path, action.metavar == NETWORKS)


def networks() -> list[str]:
    found: list[str] = cached("networks", _find_networks)
    return found


def _find_networks() -> list[str]:
    from inceptionctl.models.zoo.registry import ARCHITECTURES

    return [*ARCHITECTURES]
