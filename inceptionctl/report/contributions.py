"""The mean contribution of each switch in a table that adds them in several orders."""

from __future__ import annotations

from collections.abc import Sequence

from inceptionctl.report.compare import Basis
from inceptionctl.report.findings import Contribution, RowFinding
from inceptionctl.report.results import ResultTable
from inceptionctl.report.statistics.change import Difference, contrast
from inceptionctl.report.statistics.shapley import Weights, weights


def contributions(table: ResultTable, rows: Sequence[RowFinding], basis: Basis) -> tuple[Contribution, ...]:
    by_switches = {frozenset(one.row.entry.switches): one for one in reversed(rows)}  # the first row, if two are alike
    found = weights(table.manifest.orders)
    return tuple(
        Contribution(switch=switch, difference=_difference(one, by_switches, basis)) for switch, one in found.items()
    )


def _difference(one: Weights, by_switches: dict[frozenset[str], RowFinding], basis: Basis) -> Difference | None:
    sides = []
    for switches, weight in one.items():
        row = by_switches.get(switches)
        if row is None or not row.measured or not row.measured.converged or row.main is None or not row.main.summary:
            return None
        sides.append(basis.side(row.row, row.main, weight))
    sizes_G = basis.sizes_G if all(side.counts_SG is not None for side in sides) else None
    return contrast(sides, sizes_G, basis.main_variance, basis.confidence)
