"""The table on a terminal, or in a log: columns that do not fit follow in a second table below, nothing is wrapped."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from inceptionctl.report.columns import Column, Sheet
from inceptionctl.report.format import DASH

LOG_WIDTH = 100  # columns where nothing says how wide the reader's window is
PADDING = 1
GAP = PADDING + 1  # the box adds one
COLOURS = {"same": "green", "opposite": "red", "not": "yellow", "cannot": "dim", "lower": "green", "higher": "red"}


def console() -> Console:
    told = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if told else LOG_WIDTH, highlight=False, markup=False, emoji=False)


def show(sheet: Sheet, to: Console) -> None:
    to.print(Text(sheet.heading, style="bold"))
    to.print(Text(sheet.setting))
    for columns in pages(sheet.columns, to.width):
        to.print(_table(columns, sheet.quoted))
    for note in sheet.notes:
        to.print(Text(note))
    for warning in sheet.warnings:
        to.print(Text(warning, style="yellow"))


def pages(columns: Sequence[Column], width: int) -> list[list[Column]]:
    """The columns in order, in as many tables as the width asks for; the first column, the names, opens each."""
    names, *rest = columns
    found, room = [[names]], width - _width(names)
    for column in rest:
        if _width(column) + GAP > room and len(found[-1]) > 1:
            found.append([names])
            room = width - _width(names)
        found[-1].append(column)
        room -= _width(column) + GAP
    return found


def _width(column: Column) -> int:
    return max(cell_len(text) for text in (*column.title.split("\n"), *column.cells))


def _table(columns: Sequence[Column], quoted: int) -> RichTable:
    padding = (0, PADDING, 0, 0)
    table = RichTable(box=box.SIMPLE_HEAD, padding=padding, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        table.add_column(Text(column.title), justify="right" if column.numeric else "left", no_wrap=True)
    for place, cells in enumerate(zip(*(column.cells for column in columns), strict=True)):
        style = "dim" if place < quoted else ""
        table.add_row(*(Text(cell, style=_colour(cell)) for cell in cells), style=style)
    return table


def _colour(cell: str) -> str:
    """Verdicts are the only cells that begin with these words."""
    return "dim" if cell == DASH else COLOURS.get(cell.partition(" ")[0], "")
