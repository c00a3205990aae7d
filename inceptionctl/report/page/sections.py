"""The plain tables of a page: certainty of each rung, cost, runs, what differs from the paper, environment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from inceptionctl.report.columns import further_columns, names
from inceptionctl.report.environment import Fact
from inceptionctl.report.findings import Findings, Rung
from inceptionctl.report.format import DASH, change, difference, metric, probability, signed, verdict
from inceptionctl.report.page.cells import CellView
from inceptionctl.report.results import ResultTable
from inceptionctl.tables.metric import Metric


@dataclass(frozen=True)
class Entry:
    """`flag`: what is doubtful about it."""

    text: str
    link: str | None = None
    flag: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A table with its heading; `paper`: of each column, whether its figures are the paper's; `wrap`: long texts."""

    name: str
    title: str
    titles: tuple[str, ...]
    lines: tuple[tuple[Entry, ...], ...]
    numeric: tuple[bool, ...]
    paper: tuple[bool, ...]
    notes: tuple[str, ...] = ()
    wrap: bool = False


def rungs(findings: Findings) -> list[Section]:
    """How sure each change is; none for a table that compares no rows."""
    if not findings.rungs:
        return []
    found = [*findings.rungs, *([findings.overall] if findings.overall else [])]
    titles = ["change", "paper", "here, 95 % interval", "verdict", "Welch p", "Holm p"]
    lines = [_rung(one, findings.metric) for one in found]
    if all(rung.paper_change is None for rung in found):
        titles, lines = titles[:1] + titles[2:], [line[:1] + line[2:] for line in lines]
    return [_section("rungs", "Certainty of each change", titles, lines, text=(0, titles.index("verdict")))]


def further(findings: Findings) -> list[Section]:
    """Figures that the main table leaves out."""
    columns = further_columns(findings)
    if not columns:
        return []
    columns = [names(findings), *columns]
    lines = tuple(tuple(map(Entry, cells)) for cells in zip(*(one.cells for one in columns), strict=True))
    return [
        Section(
            name="further",
            title="Further figures",
            titles=tuple(one.heading for one in columns),
            lines=lines,
            numeric=tuple(one.numeric for one in columns),
            paper=tuple(one.source == "paper" for one in columns),
        )
    ]


def _rung(rung: Rung, unit: Metric) -> list[str]:
    name = f"{rung.before.label} → {rung.after.label}"
    ps = probability(rung.welch_p), probability(rung.holm_p)
    return [name, signed(rung.paper_change), change(rung, unit), verdict(rung), *ps]


def contributions(findings: Findings) -> list[Section]:
    """Of each switch, over the orders of the table."""
    if not findings.shapley:
        return []
    lines = [[one.switch, difference(one.difference, findings.metric)] for one in findings.shapley]
    return [
        _section("contributions", "Mean contribution of each switch", ["switch", "change, with its interval"], lines)
    ]


def declared(findings: Findings) -> list[Section]:
    """The plan that was frozen before the runs, and what came of it."""
    if not findings.declared:
        return []
    lines = [[one.what, one.expected, one.found, "yes" if one.holds else "no"] for one in findings.declared]
    titles = ["what", "expected", "found", "holds"]
    return [_section("declared", "Declared beforehand", titles, lines, text=range(4))]


def cost(findings: Findings, cells: Sequence[CellView]) -> Section:
    """The networks as run and at the paper's size, and how long a cell took."""
    titles = ["row", "parameters", "multiply-adds", "at full size", "paper", "seconds a cell", "images/s"]
    lines = []
    for row in findings.table.rows:
        own = [cell for cell in cells if cell.row == row.label]
        entry, printed = row.entry, row.printed.cost_billion
        sizes = [metric(entry.params), metric(entry.macs), metric(entry.full_macs)]
        theirs = DASH if printed is None else f"{printed:.1f} G"
        speed = [_mean(cell.seconds for cell in own), _mean(cell.images_per_s for cell in own)]
        lines.append([row.name, *sizes, theirs, *speed])
    kept = [place for place in range(len(titles)) if place == 0 or any(line[place] != DASH for line in lines)]
    return _section(
        "cost",
        "Cost of each row",
        [titles[place] for place in kept],
        [[line[place] for place in kept] for line in lines],
        notes=("Seconds are measured: training and evaluation of a cell, on the machine named below.",),
    )


def runs(table: ResultTable, cells: Sequence[CellView]) -> Section:
    """The value of every seed, which leads to its run folder."""
    seeds = sorted({cell.seed for cell in cells})
    lines = []
    for row in table.rows:
        by_seed = {cell.seed: cell for cell in cells if cell.row == row.label}
        lines.append((Entry(row.name), *(_cell(by_seed.get(seed)) for seed in seeds)))
    width = len(seeds) + 1
    return Section(
        name="runs",
        title="Runs",
        titles=("row", *(f"seed {seed}" for seed in seeds)),
        lines=tuple(lines),
        numeric=(False, *[True] * len(seeds)),
        paper=(False,) * width,
        notes=("Top-1 error of each seed, in percent; a figure leads to its run folder.",),
    )


def _cell(cell: CellView | None) -> Entry:
    if cell is None or cell.link is None:
        return Entry(DASH)
    return Entry(cell.status if cell.error is None else f"{cell.error:.2f}", cell.link)


def overrides(table: ResultTable) -> list[Section]:
    found = table.manifest.overrides
    if not found:
        return []
    lines = [[one.key, one.paper, one.here] for one in found]
    note = "Settings that the paper does not state are those of the released scripts."
    title = "Where this scale differs from the paper's recipe"
    return [_section("overrides", title, ["setting", "paper", "here"], lines, notes=(note,))]


def environment(facts: Sequence[Fact]) -> list[Section]:
    """Values that differ between cells are flagged with the cells that have them."""
    if not facts:
        return []
    lines = []
    for fact in facts:
        for value, labels in fact.values:
            some = f"{labels[0]} and {len(labels) - 1} more" if len(labels) > 1 else labels[0]
            lines.append((Entry(fact.name), Entry(value, flag=f"differs: {some}" if fact.differs else "")))
    return [
        Section(
            name="environment",
            title="Environment",
            titles=("what", "value"),
            lines=tuple(lines),
            numeric=(False, False),
            paper=(False, False),
            notes=(
                "Code and library versions are not part of a run's identity; what differs between cells is marked.",
            ),
            wrap=True,
        )
    ]


def _section(
    name: str,
    title: str,
    titles: Sequence[str],
    lines: Sequence[Sequence[str]],
    *,
    text: Sequence[int] = (0,),
    notes: tuple[str, ...] = (),
) -> Section:
    return Section(
        name=name,
        title=title,
        titles=tuple(titles),
        lines=tuple(tuple(map(Entry, line)) for line in lines),
        numeric=tuple(place not in text for place in range(len(titles))),
        paper=tuple(one == "paper" for one in titles),
        notes=notes,
    )


def _mean(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{fmean(known):,.0f}" if known else DASH
