"""The console that commands print to. What they print is text: names and paths may look like markup."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

NO_TERMINAL_WIDTH = 160  # of tables that go to a file or a pipe


def console(stderr: bool = False) -> Console:
    """Its lines never wrap."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_warnings(warnings: Iterable[str], to: Console) -> None:
    for warning in warnings:
        to.print(Text.assemble(("warning ", "yellow"), warning))
