"""The table as columns of text, which the terminal and Markdown render."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.papers.records import PaperCell
from inceptionctl.report.findings import Findings, RowFinding, Rung
from inceptionctl.report.footnotes import UNCONVERGED, footnotes, warnings
from inceptionctl.report.format import DASH, change, interval, metric, number, rates, signed, spread, verdict


@dataclass(frozen=True, kw_only=True)
class Column:
    """One string for each quoted row, then one for each of ours; the title has two lines."""

    title: str
    cells: tuple[str, ...]
    numeric: bool = True


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
        columns=(names(findings), *paper(findings), *ours(findings), *cost(findings), *more(findings)),
        footnotes=tuple(footnotes(findings)),
        warnings=tuple(warnings(findings, paths_from)),
    )


def names(findings: Findings) -> Column:
    labels = [*(one.label for one in findings.table.quoted), *(row.name for row in findings.table.rows)]
    return Column(title="\nrow", cells=tuple(labels), numeric=False)


def paper(findings: Findings) -> list[Column]:
    return [
        _of_paper(findings, "paper\ntop-1", lambda one: number(one.top1_error)),
        *_of_rungs(findings, "paper\nchange", lambda rung: signed(rung.paper_change)),
    ]


def ours(findings: Findings) -> list[Column]:
    return [
        _of_rows(findings, "ours, top-1\nmean ± sd (n)", _mean),
        *_of_rungs(findings, "change here\n95 % interval", change),
        *_of_rungs(findings, "\nverdict", verdict, numeric=False),
        _of_rows(findings, "ours, top-1\n95 % interval", lambda one: interval(one.top1)),
    ]


def cost(findings: Findings) -> list[Column]:
    """Multiply-adds as the paper rounds them, of the network at the paper's size, and of the network as run."""
    return [
        _of_paper(findings, "cost,\npaper", _billions),
        _of_rows(findings, "cost,\nfull size", lambda one: metric(one.row.entry.full_macs)),
        _of_rows(findings, "cost,\nhere", lambda one: metric(one.row.entry.macs)),
        _of_rows(findings, "params,\nhere", lambda one: metric(one.row.entry.params)),
    ]


def more(findings: Findings) -> list[Column]:
    """Secondary figures: our top-5 errors only if there are enough classes, RMSProp's factors only if it was used."""
    others = findings.table.other_weights
    columns = [
        _of_rows(findings, f"ours, top-1\n{others} weights", lambda one: spread(one.other)),
        _of_paper(findings, "paper\ntop-5", lambda one: number(one.top5_error)),
    ]
    if findings.shows_top5:
        columns.append(_of_rows(findings, "ours, top-5\nmean ± sd (n)", lambda one: spread(one.top5)))
    if any(one.inverse_rms for one in findings.rows):
        columns.append(_of_rows(findings, "1/sqrt(v+eps)\nmean [1st, 99th %]", lambda one: rates(one.inverse_rms)))
    return columns


def _of_paper(findings: Findings, title: str, text: Callable[[PaperCell], str]) -> Column:
    printed = [*findings.table.quoted, *(row.printed for row in findings.table.rows)]
    return Column(title=title, cells=tuple(text(one) for one in printed))


def _of_rows(findings: Findings, title: str, text: Callable[[RowFinding], str]) -> Column:
    quoted = [DASH] * len(findings.table.quoted)
    return Column(title=title, cells=(*quoted, *(text(one) for one in findings.rows)))


def _of_rungs(findings: Findings, title: str, text: Callable[[Rung], str], *, numeric: bool = True) -> list[Column]:
    """A rung stands in the line of its later row; a table that compares no rows has no such column."""
    if not findings.rungs:
        return []
    rungs = [*(None for _ in findings.table.quoted), *(findings.rung(row) for row in findings.table.rows)]
    return [Column(title=title, cells=tuple(text(rung) if rung else DASH for rung in rungs), numeric=numeric)]


def _mean(one: RowFinding) -> str:
    failed = one.measured is not None and not one.measured.converged
    return spread(one.top1) + (f" {UNCONVERGED}" if failed else "")


def _billions(one: PaperCell) -> str:
    return DASH if one.cost_billion is None else f"{one.cost_billion:.1f} G"
