"""The value of a table's metric for one run, from its evaluations while it trained."""

from __future__ import annotations

import numpy as np

from inceptionctl.report.findings import MetricFigures
from inceptionctl.report.results import ResultRow
from inceptionctl.report.runs import Curves, RunFigures
from inceptionctl.report.statistics.summary import summary
from inceptionctl.tables.metric import Metric


def metric_figures(row: ResultRow, metric: Metric) -> MetricFigures:
    values = tuple(metric_value(metric, one) for one in row.figures)
    known = [value for value in values if value is not None]
    whole = len(known) == len(values) > 0
    return MetricFigures(
        metric=metric,
        values=values,
        summary=summary(known, "percent" if metric.is_error else "positive") if whole else None,
        not_reached=len(values) - len(known) if metric.name == "steps_to" else 0,
    )


def metric_value(metric: Metric, run: RunFigures) -> float | None:
    """None for a run that did not reach the error of `steps_to`, or whose curve has no two points."""
    if metric.name == "final":
        return run.top1_error
    if metric.name == "area_under_curve":
        return area_under_curve(run.curves)
    if metric.name == "steps_per_second":
        return steps_per_second(run.curves)
    assert metric.error is not None, "steps_to has one"
    return steps_to(run.curves, metric.error)


def steps_to(curves: Curves, error: float) -> float | None:
    """Steps until the top-1 error is at most `error`, interpolated between the two evaluations around it. A run that is
    there at its first evaluation has that one's step."""
    below = np.flatnonzero(curves.eval_error <= error)
    if not len(below):
        return None
    at = int(below[0])
    if at == 0:
        return float(curves.eval_step[0])
    (before, after), (first, last) = curves.eval_error[at - 1 : at + 1], curves.eval_step[at - 1 : at + 1]
    return float(first + (last - first) * (before - error) / (before - after))


def area_under_curve(curves: Curves) -> float | None:
    """Mean top-1 error between the first evaluation and the last, by trapezoids over the epochs."""
    span = np.ptp(curves.eval_epoch) if len(curves.eval_epoch) > 1 else 0.0
    return float(np.trapezoid(curves.eval_error, curves.eval_epoch) / span) if span else None


def steps_per_second(curves: Curves) -> float | None:
    """Median over the logged rows, so that evaluations and checkpoints between them do not count."""
    steps, seconds = np.diff(curves.train_step), np.diff(curves.train_time)
    known = seconds > 0
    return float(np.median(steps[known] / seconds[known])) if known.any() else None
