"""What commands print is text, whatever it looks like."""

from __future__ import annotations

from io import StringIO

from inceptionctl.terminal import console, print_warnings


def test_brackets_emoji_codes_and_long_lines_are_printed_as_they_are():
    screen = console()
    screen.file = StringIO()
    line = f"/home/x[1]/[bold]my :smile: pictures[/]/{'d' * 300} 12.5"
    screen.print(line)
    print_warnings(["arch.aux.at = [mixed_6e]"], screen)
    assert screen.file.getvalue() == f"{line}\nwarning arch.aux.at = [mixed_6e]\n"
