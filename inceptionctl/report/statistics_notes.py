"""The lines below the table about its statistics: the spread between seeds, looks, the A/A row, contributions."""

from __future__ import annotations

from inceptionctl.report.findings import Findings, MetricFigures, Rung
from inceptionctl.report.format import change, interval
from inceptionctl.report.results import ResultRow


def statistics_notes(findings: Findings) -> list[str]:
    return [
        *look(findings),
        *spread(findings),
        *split(findings),
        *same_runs(findings),
        *not_reached(findings),
        *contributions(findings),
        *null(findings),
    ]


def unit(findings: Findings) -> str:
    """Of changes."""
    return "points" if findings.metric.is_error else findings.metric.unit


def look(findings: Findings) -> list[str]:
    one = findings.look
    if one is None:
        return []
    maximum = findings.table.manifest.max_seeds
    return [
        f"Look {one.number} of {one.of}, planned after {one.seeds} of {maximum} seeds: intervals of changes are at "
        f"{100 * one.confidence:.4g} %, so that all looks together are wrong 5 % of the time."
    ]


def spread(findings: Findings) -> list[str]:
    one = findings.seed_variance
    if one is None:
        return []
    levene = "" if one.levene_p is None else f", Levene's p = {one.levene_p:.2f}"
    how = "" if one.pooled else ": the rows vary differently, so each change goes by its own rows"
    rows = "1 row" if one.rows == 1 else f"{one.rows} rows"
    common = (
        f"; {100 * one.effect.share:.0f} % of it common to a seed in all rows (p = {one.effect.p:.2f})"
        if one.effect
        else ""
    )
    return [f"sd between seeds: {one.sd:.2f} {unit(findings)}, pooled over {rows} ({one.df} df{levene}){how}{common}."]


def split(findings: Findings) -> list[str]:
    """Rows with the same advice share a line."""
    parts: dict[str, list[str]] = {}
    for row in findings.rows:
        if row.split and row.measured and row.measured.converged:
            text = f"{row.row.label} {row.split.test_set:.2f} and {row.split.networks:.2f}"
            parts.setdefault(row.split.advice, []).append(text)
    return [
        f"sd from the finite test set and between networks, points: {', '.join(rows)}. To narrow intervals, {advice}."
        for advice, rows in parts.items()
    ]


def same_runs(findings: Findings) -> list[str]:
    labels = [_pair(rung) for rung in findings.rungs if rung.difference and rung.difference.paired]
    return [f"The same runs, compared run by run: {', '.join(labels)}."] if labels else []


def not_reached(findings: Findings) -> list[str]:
    """Runs that `steps_to` gives no steps."""
    found = [(row, one) for row, measured in findings.measured for one in measured.metrics if one.not_reached]
    if not found:
        return []
    listed = ", ".join(_count(row, one) for row, one in found)
    return [f"Not reached: {listed}. These rows have no mean, and their runs are compared by rank."]


def _count(row: ResultRow, one: MetricFigures) -> str:
    return f"{one.metric.error:g} % by {one.not_reached} of {len(one.values)} runs of {row.label}"


def contributions(findings: Findings) -> list[str]:
    known = [one for one in findings.shapley if one.difference]
    if not known:
        return []
    listed = "; ".join(
        f"{one.switch} {one.difference.change:+.2f} {interval(one.difference)}" for one in known if one.difference
    )
    orders = len(findings.table.manifest.orders)
    return [f"Mean contribution over {orders} orders, {unit(findings)}: {listed}."]


def null(findings: Findings) -> list[str]:
    rung = findings.null
    if rung is None or rung.difference is None:
        return []
    by_chance = "a false alarm: one such row in twenty has it by chance"
    alarm = by_chance if rung.difference.excludes_0 else "no false alarm"
    return [f"{rung.after.label}, the same settings with other seeds: {change(rung)}, {alarm}."]


def _pair(rung: Rung) -> str:
    return f"{rung.after.label} against {rung.before.label}"
