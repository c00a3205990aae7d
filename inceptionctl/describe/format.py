"""Numbers as the tables print them, and columns of text that never wrap."""

from __future__ import annotations

from collections.abc import Sequence

DASH = "-"


def giga(macs: float) -> str:
    return f"{macs / 1e9:.3f} G"


def mega(macs: float) -> str:
    return f"{macs / 1e6:,.1f} M"


def signed(number: float) -> str:
    return f"{number:+,.0f}" if number else "0"


def signed_mega(macs: float) -> str:
    return f"{macs / 1e6:+,.1f} M" if macs else "0"


def as_printed(number: float) -> str:
    """22,855,952 in full; 13.6 M and 1.5 G as the papers print them."""
    if number % 1e5:
        return f"{number:,.0f}"
    return f"{number / 1e9:g} G" if number >= 1e9 else f"{number / 1e6:g} M"


def deviation(printed: float, counted: int) -> str:
    """Of the count from the printed number: `+19.0 %`."""
    return f"{100 * (counted - printed) / printed:+.1f} %"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """One line per row: the first column aligned left, the others right, two spaces between."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
