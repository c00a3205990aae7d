"""The console that commands print to. What they print is text: names and paths may look like markup, and hold control
characters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from inceptionctl.streams import escaped

NO_TERMINAL_WIDTH = 160  # of tables that go to a file or a pipe


class PlainConsole(Console):
    """Shows control characters in what it prints as text; its own go to the stream that `streams.plain` wraps."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else escaped(text), style, control)

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401  as in rich
        """Before its place in a table is measured."""
        return super().render_str(escaped(text), **options)

    @property
    def file(self) -> IO[str]:
        found = super().file
        while inner := getattr(found, "rich_proxied_file", None):  # while it shows progress, Rich wraps stdout too
            found = inner
        return found

    @file.setter
    def file(self, new: IO[str]) -> None:
        self._file = new


def console(stderr: bool = False, width: int | None = None, wraps: bool = False) -> Console:
    """Its lines never wrap, unless they are to; `width`: of its tables, if not that of the terminal."""
    return PlainConsole(stderr=stderr, width=width, highlight=False, markup=False, emoji=False, soft_wrap=not wraps)


def print_warnings(warnings: Iterable[str], to: Console) -> None:
    for warning in warnings:
        to.print(Text.assemble(("warning ", "yellow"), warning))
