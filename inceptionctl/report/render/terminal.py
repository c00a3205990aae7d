"""The table on a terminal or in a log. Columns that do not fit follow in a second table; no cell is wrapped."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from inceptionctl.report.column import Column
from inceptionctl.report.columns import ReportText
from inceptionctl.report.format import DASH
from inceptionctl.terminal import console as make_console

LOG_WIDTH = 100  # characters, if there is no terminal and no COLUMNS
PADDING = 1
GAP = PADDING + 1  # the box adds one
COLOURS = {"same": "green", "opposite": "red", "not": "yellow", "cannot": "dim", "lower": "green", "higher": "red"}


def console() -> Console:
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return make_console(width=None if known else LOG_WIDTH, wraps=True)


def show(text: ReportText, to: Console) -> None:
    """A line with a command is not wrapped, so that it can be copied."""
    for part in parts(text, to.width):
        to.print(part, soft_wrap=isinstance(part, Text) and "inceptionctl " in part.plain)


def parts(text: ReportText, width: int) -> list[RenderableType]:
    return [
        Text(text.heading, style="bold"),
        Text(text.setting),
        *(part for columns in pages(text.columns, width) for part in (_table(columns, text), Text(""))),
        *map(Text, text.footnotes),
        *(Text(warning, style="yellow") for warning in text.warnings),
    ]


def stacked(all_parts: Sequence[RenderableType]) -> RenderableType:
    return Group(*all_parts)


def pages(columns: Sequence[Column], width: int) -> list[list[Column]]:
    """The columns in order, in as many tables as the width needs; each begins with the first column, the names."""
    names, *rest = columns
    tables, left = [[names]], width - _width(names)
    for column in rest:
        if _width(column) + GAP > left and len(tables[-1]) > 1:
            tables.append([names])
            left = width - _width(names)
        tables[-1].append(column)
        left -= _width(column) + GAP
    return tables


def _width(column: Column) -> int:
    return max(cell_len(text) for text in (*column.title.split("\n"), *column.cells))


def _table(columns: Sequence[Column], text: ReportText) -> RichTable:
    """Further tables leave out rows without any figure. The paper's figures are in italics."""
    table = RichTable(box=box.SIMPLE_HEAD, padding=(0, PADDING, 0, 0), pad_edge=False, show_edge=False)
    table.header_style = "bold"
    for column in columns:
        table.add_column(Text(column.title), justify="right" if column.numeric else "left", no_wrap=True)
    is_first = len(columns) > 1 and columns[1] is text.columns[1]
    for place, cells in enumerate(zip(*(column.cells for column in columns), strict=True)):
        if is_first or set(cells[1:]) != {DASH}:
            styled = (Text(cell, style=_style(column, cell)) for column, cell in zip(columns, cells, strict=True))
            table.add_row(*styled, style="dim" if place < text.quoted else "")
    return table


def _style(column: Column, cell: str) -> str:
    return "italic" if column.source == "paper" and cell != DASH else _colour(cell)


def _colour(cell: str) -> str:
    """Verdicts are the only cells that begin with these words."""
    return "dim" if cell == DASH else COLOURS.get(cell.partition(" ")[0], "")
