"""A figure with what a file or a page says of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from inceptionctl.report.findings import Findings
from inceptionctl.report.plots.library import Figure
from inceptionctl.report.plots.style import Look

Data = Sequence[Sequence[object]]


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """`name`: of its files; `title` in a line; `description`: what it shows, in sentences; `data`: the numbers that are
    drawn, the names of their columns first."""

    name: str
    title: str
    description: str
    figure: Figure
    data: Data

    @property
    def csv(self) -> str:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(self.data)
        return out.getvalue()


def heading(figure: Figure, findings: Findings, look: Look) -> None:
    """The table's title and scale above all panels, if they are to be drawn."""
    if not look.title:
        return
    manifest, characters = findings.table.manifest, look.title_characters
    lines = [*wrap(manifest.title, characters), *wrap(f"{manifest.setting} · {findings.sample}", characters)]
    figure.suptitle("\n".join(lines), fontsize=look.font + 0.5, ha="left", x=0.01)


def wrapped(name: str, look: Look) -> str:
    """A row's name on as many lines as its place needs."""
    return "\n".join(wrap(name, look.label_characters, break_on_hyphens=False)) or name
