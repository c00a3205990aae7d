"""The ladder: rows from top to bottom, the paper's errors on the left, ours with seeds and intervals on the right."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from inceptionctl.report.findings import Findings, RowFinding, Rung
from inceptionctl.report.format import DASH, axis_label, figures, quantity, signed
from inceptionctl.report.plots.drawing import Data, Drawing, heading, wrapped
from inceptionctl.report.plots.library import Axes, ConstrainedLayoutEngine, Figure, MaxNLocator
from inceptionctl.report.plots.style import GREY, LIGHT, OURS, PAPER, Look
from inceptionctl.report.statistics.summary import Summary
from inceptionctl.tables.metric import Metric


def ladder(findings: Findings, look: Look) -> Drawing | None:
    """None without any error to draw; a table without figures of a paper has our panel alone."""
    panels = [draw for draw, shown in ((_paper_panel, has_paper(findings)), (_our_panel, findings.measured)) if shown]
    if not panels:
        return None
    names = [*(one.label for one in findings.table.quoted), *(row.name for row in findings.table.rows)]
    height = 0.25 * sum(wrapped(name, look).count("\n") for name in names) * look.narrow
    figure = Figure(
        figsize=(look.width, 0.9 + 0.5 * look.title + 0.3 * len(names) + height),
        layout=ConstrainedLayoutEngine(wspace=0.04 if look.narrow else 0.08),
    )
    all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    heading(figure, findings, look)
    for axes, draw in zip(all_axes, panels, strict=True):
        draw(axes, findings, look)
    _names(all_axes[0], findings, [wrapped(name, look) for name in names])
    return Drawing(
        name="ladder",
        title="Errors, row by row",
        description=_description(findings),
        figure=figure,
        data=_data(findings),
    )


def has_paper(findings: Findings) -> bool:
    """Whether any row has the paper's top-1 error."""
    rows = findings.table.rows
    return any(one.top1_error is not None for one in (*findings.table.quoted, *(row.printed for row in rows)))


def _names(axes: Axes, findings: Findings, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    for label in axes.get_yticklabels()[: len(findings.table.quoted)]:
        label.set_color(GREY)
    axes.set_ylim(len(names) - 0.5, -0.5)


def _paper_panel(axes: Axes, findings: Findings, look: Look) -> None:
    quoted, rows = findings.table.quoted, findings.table.rows
    errors = [np.nan if one.top1_error is None else one.top1_error for one in (*quoted, *(row.printed for row in rows))]
    start = len(quoted)
    axes.plot(errors[:start], range(start), "o", color=LIGHT)
    marks = "D-" if findings.table.cumulative else "D"
    axes.plot(errors[start:], range(start, len(errors)), marks, color=PAPER, linewidth=1.2, markerfacecolor="white")
    _panel(axes, look, "the paper", "top-1 error, %")
    _changes(axes, findings, look, lambda rung: signed(rung.paper_change))


def _our_panel(axes: Axes, findings: Findings, look: Look) -> None:
    start = len(findings.table.quoted)
    for place, one in enumerate(findings.rows, start):
        seeds = [value for value in one.main.values if value is not None] if one.main else []
        axes.plot(seeds, np.full(len(seeds), place + 0.22), "o", color=OURS, alpha=0.5, markersize=3, markeredgewidth=0)
        if (mean := mean_of(one)) and mean.low is not None and mean.high is not None:
            axes.plot([mean.low, mean.high], [place, place], "-", color=OURS, linewidth=2.5, alpha=0.45)
    means = [mean.mean if (mean := mean_of(one)) else np.nan for one in findings.rows]  # NaN breaks the line
    marks = "o-" if findings.table.cumulative else "o"
    axes.plot(means, range(start, start + len(means)), marks, color=OURS, linewidth=1.2)
    _panel(axes, look, f"here, {findings.sample}", axis_label(findings.metric))
    _changes(axes, findings, look, partial(_change, findings.metric))


def _change(unit: Metric, rung: Rung) -> str:
    return DASH if rung.difference is None else quantity(rung.difference.change, unit, "+")


def mean_of(one: RowFinding) -> Summary | None:
    """Of the table's metric."""
    return one.main.summary if one.main else None


def _panel(axes: Axes, look: Look, title: str, label: str) -> None:
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set_xlabel(label)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(2 if look.narrow else 5))  # or labels such as 23.12 overlap
    axes.margins(x=0.08)


def _changes(axes: Axes, findings: Findings, look: Look, text: Callable[[Rung], str]) -> None:
    """The change of each rung in a column of its own on the right, where no marker can cover it."""
    beside = axes.get_yaxis_transform()
    if not findings.rungs or look.narrow:
        return
    axes.text(1.17, 1.02, "change", transform=axes.transAxes, ha="right", va="bottom", color=GREY)
    for place, row in enumerate(findings.table.rows, len(findings.table.quoted)):
        if rung := findings.rung(row):
            axes.text(1.17, place, text(rung), transform=beside, ha="right", va="center")


def _description(findings: Findings) -> str:
    parts = []
    for one in findings.rows:
        printed = one.row.printed.top1_error
        paper = "" if printed is None else f"paper {printed:g} %"
        ours = "" if mean_of(one) is None else f"here {figures(one.main)}"
        if text := ", ".join(part for part in (paper, ours) if part):
            parts.append(f"{one.row.label}: {text}")
    whose = "The paper's top-1 errors, and ours: " if has_paper(findings) else "Ours: "
    return f"{whose}{axis_label(findings.metric)}. {'; '.join(parts)}."


def _data(findings: Findings) -> Data:
    lines: list[list[object]] = [["row", "paper_top1_error", "mean", "low", "high", "seeds"]]
    lines += [[one.label, one.top1_error, None, None, None, None] for one in findings.table.quoted]
    for one in findings.rows:
        mean = mean_of(one)
        ours = [mean.mean, mean.low, mean.high] if mean else [None] * 3
        seeds = " ".join(DASH if value is None else f"{value:g}" for value in one.main.values) if one.main else ""
        lines.append([one.row.label, one.row.printed.top1_error, *ours, seeds])
    return lines
