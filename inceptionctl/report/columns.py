"""The table as columns of text, which every output but JSON and CSV renders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inceptionctl.errors import unknown
from inceptionctl.report.column import Column
from inceptionctl.report.column_values import all_columns
from inceptionctl.report.doubts import doubts
from inceptionctl.report.findings import Findings
from inceptionctl.report.footnotes import footnotes, warnings
from inceptionctl.tables.column_names import COLUMNS, USUAL

MAIN = ("paper", "paper_change", "ours", "change", "verdict", "agreement", "top1", "also")


@dataclass(frozen=True, kw_only=True)
class ReportText:
    """`columns` in order of importance, the rows' names first; the first `quoted` rows have only the paper's figures.
    `footnotes` explain the table, `warnings` name what is missing or doubtful."""

    heading: str
    setting: str
    quoted: int
    columns: tuple[Column, ...]
    footnotes: tuple[str, ...]
    warnings: tuple[str, ...]


def report_text(findings: Findings, paths_from: Path) -> ReportText:
    """Paths in it are relative to `paths_from`."""
    manifest = findings.table.manifest
    return ReportText(
        heading=manifest.title,
        setting=f"{manifest.setting} · {manifest.weights} weights · {findings.sample}",
        quoted=len(findings.table.quoted),
        columns=(names(findings), *chosen(findings)),
        footnotes=(*footnotes(findings), *notes(findings)),
        warnings=(*warnings(findings, paths_from), *doubts(findings.table)),
    )


def notes(findings: Findings) -> list[str]:
    """What the rows' own notes say, each once."""
    found = {row.entry.note: row.label for row in reversed(findings.table.rows) if row.entry.note}
    return [f"{label}: {note.rstrip('.')}." for note, label in reversed(found.items())]


def names(findings: Findings) -> Column:
    table = findings.table
    labels = [*(one.label for one in table.quoted), *(row.name for row in table.rows)]
    keys = [*(one.label for one in table.quoted), *(row.label for row in table.rows)]
    return Column(name="row", title="\nrow", source="network", cells=tuple(labels), keys=tuple(keys), numeric=False)


def chosen(findings: Findings) -> list[Column]:
    """Those that the table names, in its order, or all that have something to show. Our figures are always shown, be it
    as dashes. Raises RequestError for an unknown name."""
    columns = all_columns(findings)
    wanted = findings.table.manifest.columns or USUAL
    for name in wanted:
        if name not in COLUMNS:
            raise unknown("column of a report", name, COLUMNS)
    return [one for name in wanted for one in columns if one.name == name and (name == "ours" or not one.empty)]


def main_columns(findings: Findings) -> list[Column]:
    """Those of a page's or a paper's width: as the table names them, or those that answer its question."""
    columns = chosen(findings)
    return columns if findings.table.manifest.columns else [one for one in columns if one.name in MAIN]


def further_columns(findings: Findings) -> list[Column]:
    """The others, but for sizes and costs, which a page shows elsewhere."""
    if findings.table.manifest.columns:
        return []
    return [
        one for one in chosen(findings) if one.name not in MAIN and one.source != "network" and one.name != "cost_paper"
    ]
