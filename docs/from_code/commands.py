"""A page for each command: what it prints for --help."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from unittest.mock import patch

from from_code.text import fenced, page
from inceptionctl.cli import COMMANDS, main

WIDTH = "96"
COMPOSED = "Groups ("  # begins the settings in the help of a command that Hydra composes
SETTINGS = (
    "Its groups and settings are listed under [Settings](../settings/index.md); `inceptionctl {} --help` prints them "
    "for the options typed beside it."
)


@dataclass(frozen=True)
class Help:
    """What --help of a command prints, without the settings, which have pages of their own."""

    name: str
    does: str
    usage: str
    is_composed: bool


@cache
def helps() -> tuple[Help, ...]:
    return tuple(_help(name, does) for name, does in COMMANDS.items())


def pages() -> Iterator[tuple[str, str]]:
    for one in helps():
        settings = SETTINGS.format(one.name) if one.is_composed else ""
        yield f"commands/{one.name}.md", page(f"Command: {one.name}", _sentence(one.does), fenced(one.usage), settings)


def _help(name: str, does: str) -> Help:
    text = _printed(name, "--help")
    blocks = text.strip().split("\n\n")
    if not any(block.startswith(COMPOSED) for block in blocks):
        return Help(name, does, text.strip(), False)
    kept = [*blocks[:2], *(block for block in blocks if block.startswith(("Flags\n", "Examples\n")))]
    return Help(name, does, "\n\n".join(kept), True)


def _printed(*words: str) -> str:
    """What a command prints, in this process: one of its own would take longer than all of it."""
    output = io.StringIO()
    with patch.dict(os.environ, COLUMNS=WIDTH, NO_COLOR="1"), redirect_stdout(output):
        assert main([*words]) == 0
    return output.getvalue()


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
