"""What commands print is text, whatever it looks like."""

from __future__ import annotations

import io
import re
import sys
from io import StringIO
from pathlib import Path

from rich.progress import Progress
from rich.table import Table
from rich.text import Text

import inceptionctl
from inceptionctl.streams import plain
from inceptionctl.terminal import PlainConsole, console, print_warnings


def test_brackets_emoji_codes_and_long_lines_are_printed_as_they_are():
    screen = console()
    screen.file = StringIO()
    line = f"/home/x[1]/[bold]my :smile: pictures[/]/{'d' * 300} 12.5"
    screen.print(line)
    print_warnings(["arch.aux.at = [mixed_6e]"], screen)
    assert screen.file.getvalue() == f"{line}\nwarning arch.aux.at = [mixed_6e]\n"


def test_control_characters_of_names_are_text_and_those_of_rich_are_not(monkeypatch):
    """In what is printed, and in progress bars, for which Rich exchanges stdout."""
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stdout", terminal)
    with plain(goes_on=False):
        to = PlainConsole(force_terminal=True, width=80, color_system="standard")
        with Progress(console=to) as progress:
            progress.add_task("a \x1b[2J task")
            to.print(Text("red \x1b[2J", style="red"))
            print("printed \x1b[2J")
        print("after \x1b[2J")
    said = terminal.getvalue()
    assert "\x1b[31mred \\x1b[2J\x1b[0m" in said
    assert [word for word in ("a \\x1b[2J", "printed", "after \\x1b[2J") if word not in said] == []
    assert "\x1b[2J" not in said


def test_a_name_with_control_characters_has_its_place_in_a_table():
    screen = PlainConsole(width=60)
    screen.file = StringIO()
    table = Table()
    table.add_column("name", no_wrap=True)
    table.add_row("a\x1b[2J name")
    screen.print(table)
    assert "│ a\\x1b[2J name │" in screen.file.getvalue()


def test_every_console_is_made_here():
    """So that none shows control characters."""
    package = Path(inceptionctl.__file__).parent
    found = {path.name for path in package.rglob("*.py") if re.search(r"(?<!\w)Console\(", path.read_text())}
    assert found == set(), "but by `console` or as a PlainConsole"
