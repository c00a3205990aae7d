"""The report as one page that needs no network: tables, figures, runs, environment, and how to make it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from inceptionctl.report.column import Column
from inceptionctl.report.columns import main_columns, report_text
from inceptionctl.report.environment import environment
from inceptionctl.report.findings import Findings
from inceptionctl.report.footnotes import overall, resolution
from inceptionctl.report.format import change_unit
from inceptionctl.report.method import METHOD
from inceptionctl.report.page import sections
from inceptionctl.report.page.cells import CellView, cell_views
from inceptionctl.report.page.figures import page_figures


@dataclass(frozen=True)
class TableCell:
    """`key`: to sort by."""

    column: Column
    text: str
    key: float | str | None


def page(findings: Findings, files: Sequence[str], refresh: float | None = None) -> str:
    """HTML. `files`: names of those beside it; `refresh`: seconds after which an open page is loaded again."""
    table, text = findings.table, report_text(findings, findings.table.folder)
    columns = [text.columns[0], *main_columns(findings)]
    cells = cell_views(table)
    key_lines = [*overall(findings), resolution(findings)]
    done = sum(cell.status == "done" for cell in cells)
    return (
        _templates()
        .get_template("page.html.j2")
        .render(
            text=text,
            manifest=table.manifest,
            key_lines=key_lines,
            notes=[line for line in text.footnotes if line not in key_lines],
            units=f"Errors in percent, changes in {change_unit(findings.metric)}, cost in multiply-adds.",
            has_paper=any(column.source == "paper" for column in columns),
            columns=columns,
            rows=_rows(columns),
            figures=page_figures(findings),
            sections=_sections(findings, cells),
            cells=[cell for cell in cells if cell.n_images],
            method=METHOD,
            files=files,
            open_cells=done < len(cells),
            done=done,
            total=len(cells),
            refresh=refresh,
            style=_source("style.css"),
            script=_source("sort.js"),
        )
    )


def _rows(columns: Sequence[Column]) -> list[list[TableCell]]:
    made = [[TableCell(one, *pair) for pair in zip(one.cells, one.keys, strict=True)] for one in columns]
    return [list(row) for row in zip(*made, strict=True)]


def _sections(findings: Findings, cells: Sequence[CellView]) -> list[sections.Section]:
    table = findings.table
    return [
        *sections.further(findings),
        *sections.rungs(findings),
        *sections.contributions(findings),
        *sections.declared(findings),
        sections.cost(findings, cells),
        sections.runs(table, cells),
        *sections.overrides(table),
        *sections.environment(environment(table)),
    ]


@cache
def _templates() -> Environment:
    loader = PackageLoader("inceptionctl.report.page", "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _source(name: str) -> Markup:
    """A file of ours, as it is."""
    source, _, _ = _templates().loader.get_source(_templates(), name)  # type: ignore[union-attr]
    return Markup(source)
