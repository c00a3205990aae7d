"""What each switch contributes, averaged over the orders of a table (Shapley), with its interval."""

from __future__ import annotations

from inceptionctl.report.findings import Contribution, Findings
from inceptionctl.report.format import change_unit, in_words, interval, quantity
from inceptionctl.report.plots.drawing import Data, Drawing, heading, wrapped
from inceptionctl.report.plots.library import Figure, MaxNLocator
from inceptionctl.report.plots.style import GREY, OURS, Look


def contributions(findings: Findings, look: Look) -> Drawing | None:
    """Bars from the largest fall to the largest rise. None for a table of one order."""
    known = sorted((one for one in findings.shapley if one.difference), key=_change)
    if not known:
        return None
    figure = Figure(figsize=(look.width, 0.9 + 0.5 * look.title + 0.32 * len(known)), layout="constrained")
    axes = figure.subplots()
    heading(figure, findings, look)
    places, changes = list(range(len(known))), [_change(one) for one in known]
    reach = [one.difference.reach or 0.0 for one in known if one.difference]
    axes.barh(places, changes, height=0.55, color=OURS, alpha=0.45)
    axes.errorbar(changes, places, xerr=reach, fmt="o", color=OURS, markersize=3.5, capsize=2, linewidth=1.3)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_yticks(places, [wrapped(one.switch, look) for one in known])
    axes.set_ylim(len(known) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel(f"mean change of {in_words(findings.metric)}, {change_unit(findings.metric)}")
    return Drawing(
        name="contributions",
        title=f"Mean contribution over {len(findings.table.manifest.orders)} orders, with its interval",
        description=_description(findings, known),
        figure=figure,
        data=_data(known),
    )


def _change(one: Contribution) -> float:
    return one.difference.change if one.difference else 0.0


def _description(findings: Findings, known: list[Contribution]) -> str:
    unit = findings.metric
    parts = [f"{one.switch}: {quantity(_change(one), unit, '+')} {interval(one.difference, unit)}" for one in known]
    return f"Mean change by each switch over all orders, in {change_unit(unit)}. {'; '.join(parts)}."


def _data(known: list[Contribution]) -> Data:
    lines: list[list[object]] = [["switch", "change", "low", "high"]]
    return lines + [
        [one.switch, one.difference.change, one.difference.low, one.difference.high] for one in known if one.difference
    ]
