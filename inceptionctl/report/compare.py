"""Compares two rows of a table, or several in a sum."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from inceptionctl.papers.records import stated_change
from inceptionctl.report.findings import MetricChange, MetricFigures, RowFinding, Rung
from inceptionctl.report.pairing import Block, blocks, in_blocks
from inceptionctl.report.results import ResultRow
from inceptionctl.report.runs import Floats
from inceptionctl.report.statistics.change import Difference, Side, difference, paired_difference
from inceptionctl.report.statistics.equivalence import equivalence
from inceptionctl.report.statistics.seeds_only import paired_t, ranks, welch
from inceptionctl.report.statistics.variance import SeedVariance
from inceptionctl.report.verdicts import CANNOT_TELL, NOT_CONVERGED, by_ranks, verdict


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What all comparisons of a table share. `metric`: the table's; `variances`: between seeds, by metric; `counts`:
    wrong images per seed and group, by label of the row; `sizes_G`: images per group."""

    metric: str
    variances: dict[str, SeedVariance | None]
    counts: dict[str, Floats]
    sizes_G: Floats | None
    confidence: float
    margin: float | None
    null: str | None

    @property
    def main_variance(self) -> SeedVariance | None:
        return self.variances[self.metric]

    def variance(self, metric: str, *rows: ResultRow) -> SeedVariance | None:
        """An ensemble varies less than a network, so its rows go by their own variance."""
        return self.variances[metric] if all(row.entry.models == 1 for row in rows) else None

    def side(self, row: ResultRow, main: MetricFigures, weight: float) -> Side:
        """Of a row whose runs all have a value."""
        values = tuple(value for value in main.values if value is not None)
        counts = self.counts.get(row.label) if main.metric.name == "final" else None
        return Side(weight=weight, values=values, counts_SG=counts)


def compare(before: RowFinding, after: RowFinding, basis: Basis) -> Rung:
    rung = Rung(
        before=before.row,
        after=after.row,
        paper_change=paper_change(before.row, after.row, basis.metric),
        null=after.row.label == basis.null,
    )
    if before.main is None or after.main is None or not before.measured or not after.measured:
        return rung
    if not (before.measured.converged and after.measured.converged):
        return replace(rung, verdict=NOT_CONVERGED)
    also = zip(before.measured.metrics[1:], after.measured.metrics[1:], strict=True)
    rung = replace(rung, also=tuple(_change(before.row, after.row, *pair, basis) for pair in also))
    change = _change(before.row, after.row, before.main, after.main, basis)
    if change.difference is None:
        return replace(rung, rank_p=change.rank_p, verdict=_unreached(before.main, after.main, change, rung, basis))
    equal = equivalence(change.difference, basis.margin) if basis.margin is not None else None
    p = _seeds_p(before.row, after.row, before.main, after.main)
    word = verdict(change.difference, rung.paper_change, equal)
    return replace(rung, difference=change.difference, welch_p=p, equivalence=equal, verdict=word)


def paper_change(before: ResultRow, after: ResultRow, metric: str) -> float | None:
    """Between the two cells, or as the paper's text states it."""
    first, second = before.printed.value(metric), after.printed.value(metric)
    if first is not None and second is not None:
        # Printed to one or two decimals: rounding removes the error of binary fractions.
        return round(second - first, 6)
    return stated_change(after.entry.fact) if after.entry.fact and metric == "final" else None


def _change(
    before: ResultRow, after: ResultRow, first: MetricFigures, second: MetricFigures, basis: Basis
) -> MetricChange:
    if first.summary is None or second.summary is None:
        if not (first.not_reached or second.not_reached):
            return MetricChange(metric=first.metric, difference=None)
        return MetricChange(metric=first.metric, difference=None, rank_p=ranks(first.values, second.values))
    sides = basis.side(before, first, -1), basis.side(after, second, 1)
    sizes_G = basis.sizes_G if sides[0].counts_SG is not None else None
    return MetricChange(metric=first.metric, difference=_difference(before, after, sides, sizes_G, basis, first))


def _difference(
    before: ResultRow,
    after: ResultRow,
    sides: tuple[Side, Side],
    sizes_G: Floats | None,
    basis: Basis,
    figures: MetricFigures,
) -> Difference:
    found = blocks(before, after)
    if found:
        return paired_difference(*_paired(sides, found), sizes_G, basis.confidence)
    return difference(*sides, sizes_G, basis.variance(str(figures.metric), before, after), basis.confidence)


def _paired(sides: tuple[Side, Side], found: list[Block]) -> tuple[Side, Side]:
    first, second = sides
    return in_blocks(first, [one.before for one in found]), in_blocks(second, [one.after for one in found])


def _seeds_p(before: ResultRow, after: ResultRow, first: MetricFigures, second: MetricFigures) -> float | None:
    values = [tuple(value for value in one.values if value is not None) for one in (first, second)]
    found = blocks(before, after)
    if not found:
        return welch(*values)
    sides = tuple(Side(weight=1, values=one) for one in values)
    return paired_t(*(side.values for side in _paired((sides[0], sides[1]), found)))


def _unreached(first: MetricFigures, second: MetricFigures, change: MetricChange, rung: Rung, basis: Basis) -> str:
    if change.rank_p is None:
        return CANNOT_TELL
    first_is_lower = _speed(first) < _speed(second)
    return by_ranks(change.rank_p, basis.confidence, rung.paper_change, first_is_lower=first_is_lower)


def _speed(one: MetricFigures) -> tuple[float, float]:
    """The share of the runs that did not reach the error, then the mean of those that did."""
    reached = [value for value in one.values if value is not None]
    return one.not_reached / len(one.values), float(np.mean(reached)) if reached else 0.0
