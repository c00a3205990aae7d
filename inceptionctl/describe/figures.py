"""Figures as the tables print them, and columns of text that never wrap."""

from __future__ import annotations

from collections.abc import Sequence

DASH = "-"


def giga(macs: float) -> str:
    return f"{macs / 1e9:.3f} G"


def mega(macs: float) -> str:
    return f"{macs / 1e6:,.1f} M"


def signed(number: float, *, unit: float = 1, digits: int = 0, mark: str = "") -> str:
    return f"{number / unit:+,.{digits}f}{mark}" if number else "0"


def as_printed(number: float) -> str:
    """22,855,952 in full, 13.6 M and 1.5 G as the papers print them."""
    if number % 1e5:
        return f"{number:,.0f}"
    return f"{number / 1e9:g} G" if number >= 1e9 else f"{number / 1e6:g} M"


def off(printed: float, counted: int) -> str:
    """How far the count is from the printed figure: `+19.0 %`."""
    return f"{100 * (counted - printed) / printed:+.1f} %"


def grid(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """One line a row: the first `left` columns pushed left, the others right, two blanks between."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row: Sequence[str]) -> str:
        cells = [
            text.ljust(w) if i < left else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return [line(row) for row in rows]
