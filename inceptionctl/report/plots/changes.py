"""The change of each rung with its interval, and the paper's change beside it."""

from __future__ import annotations

from collections.abc import Sequence

from inceptionctl.report.findings import Findings, Rung
from inceptionctl.report.format import change, change_unit, in_words, verdict
from inceptionctl.report.plots.drawing import Data, Drawing, heading, wrapped
from inceptionctl.report.plots.library import Figure, MaxNLocator
from inceptionctl.report.plots.style import GREY, LIGHT, OURS, PAPER, Look
from inceptionctl.tables.metric import Metric


def changes(findings: Findings, look: Look) -> Drawing | None:
    """None if no rung has a difference."""
    rungs = [*findings.rungs, *([findings.overall] if findings.overall and len(findings.rungs) > 1 else [])]
    if not any(rung.difference for rung in rungs):
        return None
    rungs = [rung for rung in rungs if rung.difference or rung.paper_change is not None]
    has_paper = findings.metric.is_error and any(rung.paper_change is not None for rung in rungs)
    figure = Figure(figsize=(look.width, 1.1 + 0.5 * look.title + 0.32 * len(rungs)), layout="constrained")
    axes = figure.subplots()
    heading(figure, findings, look)
    axes.axvline(0, color=GREY, linewidth=0.8)
    if margin := findings.table.manifest.margin:
        axes.axvspan(
            -margin,
            margin,
            color=LIGHT,
            alpha=0.25,
            linewidth=0,
            label=f"within {margin:g} {change_unit(findings.metric)}",
        )
    _ours(axes, rungs)
    if has_paper:
        places = [(rung.paper_change, place) for place, rung in enumerate(rungs) if rung.paper_change is not None]
        xs, ys = [x for x, _ in places], [y - 0.22 for _, y in places]
        axes.plot(xs, ys, "D", color=PAPER, markerfacecolor="white", markersize=4.5, label="the paper")
    axes.set_yticks(range(len(rungs)), [wrapped(_name(rung, findings), look) for rung in rungs])
    axes.set_ylim(len(rungs) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.grid(axis="y", visible=False)
    what = "top-1 error" if findings.metric.name == "final" else in_words(findings.metric)
    axes.set_xlabel(f"change of {what}, {change_unit(findings.metric)}")
    figure.legend(
        loc="outside lower right", ncols=1 if look.narrow else 3, frameon=False, handletextpad=0.4, columnspacing=1.2
    )
    return Drawing(
        name="changes",
        title="Change of each rung, with its interval (filled: it excludes 0)",
        description=_description(rungs, findings.metric),
        figure=figure,
        data=_data(rungs),
    )


def _ours(axes: object, rungs: Sequence[Rung]) -> None:
    """Filled where the interval excludes 0."""
    label: str | None = "here"
    for place, rung in enumerate(rungs):
        if one := rung.difference:
            axes.errorbar(  # type: ignore[attr-defined]
                [one.change], [place], xerr=one.reach or 0.0, fmt="o", color=OURS,
                markerfacecolor=OURS if rung.resolved else "white", capsize=2, linewidth=1.3, label=label,
            )  # fmt: skip
            label = None


def _name(rung: Rung, findings: Findings) -> str:
    if rung is findings.overall:
        return f"{rung.after.label} against {rung.before.label}"
    return rung.after.name


def _description(rungs: Sequence[Rung], unit: Metric) -> str:
    parts = [
        f"{rung.after.label} against {rung.before.label}: {change(rung, unit)}, {verdict(rung)}"
        for rung in rungs
        if rung.difference
    ]
    return f"Changes in {change_unit(unit)} with intervals. {'; '.join(parts)}."


def _data(rungs: Sequence[Rung]) -> Data:
    lines: list[list[object]] = [["before", "after", "paper_change", "change", "low", "high", "verdict"]]
    for rung in rungs:
        one = rung.difference
        ours = [one.change, one.low, one.high] if one else [None] * 3
        lines.append([rung.before.label, rung.after.label, rung.paper_change, *ours, rung.verdict])
    return lines
