"""Writes the list of tables, with what each would cost on ImageNet, into docs/tables.md."""

from __future__ import annotations

from pathlib import Path

from inceptionctl.config.compose import Composer
from inceptionctl.describe.tables import ASSUMED, as_markdown, listed_tables

PAGE = Path(__file__).parents[1] / "docs" / "tables.md"
BEGIN, END = "<!-- made by benchmarks/tables.py -->\n", "<!-- end -->\n"


def with_list(page: str) -> str:
    """`page` with the list between the two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = [*as_markdown(listed_tables(Composer(), with_cost=True)), "", ASSUMED]
    return f"{before}{BEGIN}{chr(10).join(lines)}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_list(PAGE.read_text()))
