"""A row's figures over its finished cells."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from inceptionctl.report.findings import Measured
from inceptionctl.report.metric_values import metric_figures
from inceptionctl.report.results import ResultRow
from inceptionctl.report.runs import Floats, InverseRms, RunFigures
from inceptionctl.report.statistics.learning import better_than_chance, loss_fall, on_plateau
from inceptionctl.report.statistics.summary import summary
from inceptionctl.runs.records.table import TableManifest
from inceptionctl.tables.metric import Metric


def metrics_of(manifest: TableManifest) -> list[Metric]:
    """The metric that rows are compared by, then the further ones."""
    return [Metric.parse(text) for text in dict.fromkeys([manifest.metric, *manifest.also])]


def measure(row: ResultRow, manifest: TableManifest) -> Measured | None:
    """None if no cell of the row is finished."""
    figures = row.figures
    if not figures:
        return None
    sizes_G = np.unique(figures[0].predictions.group_N, return_counts=True)[1].astype(float)
    others = [one.other_error for one in figures if one.other_error is not None]
    top5 = [one.top5_error for one in figures if one.top5_error is not None]
    return Measured(
        top1=summary([one.top1_error for one in figures]),
        top5=summary(top5) if top5 else None,
        other=summary(others) if others else None,
        converged=all(converged(one, sizes_G, manifest) for one in figures),
        plateau=all(on_plateau(one.curves.train_epoch, one.curves.train_loss) for one in figures if was_trained(one)),
        inverse_rms=_mean([one.inverse_rms for one in figures if one.inverse_rms]),
        metrics=tuple(metric_figures(row, metric) for metric in metrics_of(manifest)),
    )


def converged(run: RunFigures, sizes_G: Floats, manifest: TableManifest) -> bool:
    """Its error is below that of guessing by a one-sided test, its training loss fell, and its error is at most the
    table's limit, if it has one."""
    rule = manifest.converged
    if rule.error is not None and run.top1_error > rule.error:
        return False
    learned = better_than_chance(run.top1_error, manifest.chance_error, sizes_G) <= rule.chance_p
    fell = loss_fall(run.curves.train_epoch, run.curves.train_loss)
    return learned and (not was_trained(run) or (fell is not None and fell >= rule.loss_fall))


def was_trained(run: RunFigures) -> bool:
    """An ensemble was not: its networks were, and it has no curves."""
    return len(run.curves.train_loss) > 0 or len(run.curves.eval_error) > 0


def _mean(logged: Sequence[InverseRms]) -> InverseRms | None:
    if not logged:
        return None
    return InverseRms(**{name: fmean(getattr(one, name) for one in logged) for name in ("mean", "p1", "p99")})
