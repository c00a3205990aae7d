"""A column of a report, made from the paper's figures, from rows or from rungs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from inceptionctl.papers.records import PaperCell
from inceptionctl.report.findings import Findings, RowFinding, Rung
from inceptionctl.report.format import DASH

Source = Literal["paper", "ours", "network"]
Key = float | str | None


@dataclass(frozen=True, kw_only=True)
class Column:
    """One string for each quoted row, then one for each of ours; the title has two lines. `name`: as a table's
    `columns` has it; `source`: whose figures they are; `keys`: what to sort by, None for a missing value."""

    title: str
    cells: tuple[str, ...]
    numeric: bool = True
    name: str = ""
    source: Source = "ours"
    keys: tuple[Key, ...] = ()

    @property
    def empty(self) -> bool:
        return all(cell == DASH for cell in self.cells)

    @property
    def heading(self) -> str:
        """The title on one line."""
        return self.title.replace("\n", " ").strip()


@dataclass(frozen=True)
class Columns:
    """Makes the columns of a table."""

    findings: Findings

    def of_paper(
        self, name: str, title: str, key: Callable[[PaperCell], float | None], text: Callable[[float | None], str]
    ) -> Column:
        table = self.findings.table
        keys = [key(one) for one in (*table.quoted, *(row.printed for row in table.rows))]
        return Column(name=name, title=title, source="paper", cells=tuple(map(text, keys)), keys=tuple(keys))

    def of_rows(
        self,
        name: str,
        title: str,
        key: Callable[[RowFinding], Key],
        text: Callable[[RowFinding], str],
        source: Source = "ours",
    ) -> Column:
        none = len(self.findings.table.quoted)
        cells = *[DASH] * none, *map(text, self.findings.rows)
        keys = *[None] * none, *map(key, self.findings.rows)
        return Column(name=name, title=title, source=source, cells=cells, keys=keys)

    def of_rungs(
        self, name: str, title: str, key: Callable[[Rung], Key], text: Callable[[Rung], str], source: Source = "ours"
    ) -> list[Column]:
        """A rung stands in the line of its later row; a table that compares no rows has no such column."""
        if not self.findings.rungs:
            return []
        table = self.findings.table
        rungs = [*(None for _ in table.quoted), *(self.findings.rung(row) for row in table.rows)]
        cells = tuple(text(rung) if rung else DASH for rung in rungs)
        keys = tuple(key(rung) if rung else None for rung in rungs)
        numeric = not any(isinstance(one, str) for one in keys)
        return [Column(name=name, title=title, source=source, cells=cells, keys=keys, numeric=numeric)]
