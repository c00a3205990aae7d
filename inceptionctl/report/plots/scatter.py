"""Accuracy against multiply-adds: the paper's networks at their full size, and ours as they were run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inceptionctl.papers.records import PaperCell
from inceptionctl.report.findings import Findings
from inceptionctl.report.plots.drawing import Data, Drawing, heading
from inceptionctl.report.plots.labels import label_points
from inceptionctl.report.plots.library import Axes, Figure, LogLocator, NullFormatter
from inceptionctl.report.plots.style import LIGHT, OURS, PAPER, Look

WIDE = 3.0  # the largest cost over the smallest from which the axis is logarithmic
WIDEST = 6.0  # from which it has few numbers


@dataclass(frozen=True, kw_only=True)
class Point:
    """`cost` in multiply-adds, accuracy in percent; `low` and `high` of its interval."""

    label: str
    cost: float
    accuracy: float
    low: float | None = None
    high: float | None = None
    quoted: bool = False


def scatter(findings: Findings, look: Look) -> Drawing | None:
    """None unless two networks of different cost have an accuracy."""
    paper, ours = _paper(findings), _ours(findings)
    panels = [(points, title) for points, title in ((paper, "the paper"), (ours, "here")) if _differ(points)]
    if not panels:
        return None
    grid = (len(panels), 1) if look.narrow else (1, len(panels))
    height = 2.5 * grid[0] + 0.2 + 0.5 * look.title
    figure = Figure(figsize=(look.width, height), layout="constrained")
    all_axes = figure.subplots(*grid, squeeze=False).ravel().tolist()
    heading(figure, findings, look)
    for axes, (points, title) in zip(all_axes, panels, strict=True):
        _panel(axes, points, title if title == "the paper" else f"here, {findings.sample}")
    figure.draw_without_rendering()  # settles the panels' sizes, which the places of labels follow from
    for axes, (points, _) in zip(all_axes, panels, strict=True):
        label_points(axes, [(one.label, one.cost, one.accuracy) for one in points])
    return Drawing(
        name="scatter",
        title="Accuracy against multiply-adds",
        description=_description(panels),
        figure=figure,
        data=_data(panels),
    )


def _paper(findings: Findings) -> list[Point]:
    """The cost is the printed one, else that of the network at the paper's size."""
    quoted = [_printed(one, one.label, None, quoted=True) for one in findings.table.quoted]
    rows = [_printed(row.printed, row.label, row.entry.full_macs) for row in findings.table.rows]
    return [one for one in (*quoted, *rows) if one]


def _printed(one: PaperCell, label: str, macs: int | None, *, quoted: bool = False) -> Point | None:
    cost = macs if one.cost_billion is None else 1e9 * one.cost_billion
    if not cost or one.top1_error is None:
        return None
    return Point(label=label, cost=cost, accuracy=100 - one.top1_error, quoted=quoted)


def _ours(findings: Findings) -> list[Point]:
    return [
        Point(
            label=row.label,
            cost=row.entry.macs,
            accuracy=100 - one.top1.mean,
            low=None if one.top1.high is None else 100 - one.top1.high,
            high=None if one.top1.low is None else 100 - one.top1.low,
        )
        for row, one in findings.measured
    ]


def _differ(points: Sequence[Point]) -> bool:
    return len({one.cost for one in points}) > 1


def _panel(axes: Axes, points: Sequence[Point], title: str) -> None:
    colour = PAPER if title == "the paper" else OURS
    for one in points:
        if one.low is not None and one.high is not None:
            axes.plot([one.cost, one.cost], [one.low, one.high], "-", color=colour, linewidth=1.5, alpha=0.45)
        fill = "white" if colour == PAPER else colour
        axes.plot([one.cost], [one.accuracy], "D" if colour == PAPER else "o",
                  color=LIGHT if one.quoted else colour, markerfacecolor=LIGHT if one.quoted else fill)  # fmt: skip
    costs = [one.cost for one in points]
    if (ratio := max(costs) / min(costs)) > WIDE:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0) if ratio < WIDEST else (1.0, 3.0)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.28, y=0.12)
    axes.xaxis.set_major_formatter(lambda value, _: _short(value))
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set(xlabel="multiply-adds", ylabel="top-1 accuracy, %")


def _short(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:g}"


def _description(panels: Sequence[tuple[Sequence[Point], str]]) -> str:
    parts = [
        f"{title}: " + "; ".join(f"{one.label} {_short(one.cost)}, {one.accuracy:.2f} %" for one in points)
        for points, title in panels
    ]
    return f"Top-1 accuracy against multiply-adds. {'. '.join(parts)}."


def _data(panels: Sequence[tuple[Sequence[Point], str]]) -> Data:
    lines: list[list[object]] = [["source", "row", "multiply_adds", "top1_accuracy", "low", "high"]]
    for points, title in panels:
        lines += [[title, one.label, one.cost, one.accuracy, one.low, one.high] for one in points]
    return lines
