"""What a table's outcomes say: each row's figure, each rung's difference and verdict, and how much could be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from inceptionctl.report import statistics as stats
from inceptionctl.report.results import Row, Table
from inceptionctl.report.runs import InverseRms
from inceptionctl.report.statistics import Difference, Summary

CANNOT_TELL = "cannot tell"
NOT_CONVERGED = "not converged"
DIRECTIONS = ("same direction", "opposite direction", "lower", "higher")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A row's figures over its finished cells. `other` is top-1 under the weights that the table does not use;
    `inverse_rms` the mean over seeds of what RMSProp's runs logged last."""

    top1: Summary
    top5: Summary
    other: Summary | None
    converged: bool
    plateau: bool
    inverse_rms: InverseRms | None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A row, and what was measured on its finished cells, if there are any."""

    row: Row
    measured: Measured | None

    @property
    def top1(self) -> Summary | None:
        return self.measured.top1 if self.measured else None

    @property
    def top5(self) -> Summary | None:
        return self.measured.top5 if self.measured else None

    @property
    def other(self) -> Summary | None:
        return self.measured.other if self.measured else None

    @property
    def inverse_rms(self) -> InverseRms | None:
        return self.measured.inverse_rms if self.measured else None


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A row against an earlier one, changes in points of top-1 error. `holm_p` is None outside the adjacent rungs;
    `difference` is None, and nothing is judged, where a row has no finished cell or did not converge."""

    before: Row
    after: Row
    paper_change: float | None
    difference: Difference | None
    welch_p: float | None
    holm_p: float | None
    verdict: str | None

    @property
    def resolved(self) -> bool:
        return self.verdict in DIRECTIONS


@dataclass(frozen=True, kw_only=True)
class Findings:
    """`rungs` compare a row with the one that it is set against, in a ladder the row above; `overall` compares the
    ladder's last row with its first, None elsewhere. `detectable` is in points and regards seeds only."""

    table: Table
    rows: tuple[Finding, ...]
    rungs: tuple[Rung, ...]
    overall: Rung | None
    seeds: int
    detectable: float | None

    @property
    def resolved(self) -> int:
        return sum(rung.resolved for rung in self.rungs)

    def rung(self, row: Row) -> Rung | None:
        """The comparison whose upper end is `row`."""
        return next((rung for rung in self.rungs if rung.after is row), None)

    @property
    def sample(self) -> str:
        counts = sorted({len(row.outcomes) for row in self.table.rows})
        return f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"

    @property
    def shows_top5(self) -> bool:
        """More than ten classes, that is, guessing is wrong more often than nine times in ten."""
        return self.table.chance_error > 90

    @property
    def measured(self) -> tuple[tuple[Row, Measured], ...]:
        return tuple((one.row, one.measured) for one in self.rows if one.measured)


def find(table: Table) -> Findings:
    rows = tuple(Finding(row=row, measured=measure(row, table.chance_error)) for row in table.rows)
    by_label = {one.row.label: one for one in rows}
    rungs = [compare(by_label[one.row.against], one) for one in rows if one.row.against]
    corrected = stats.holm([rung.welch_p for rung in rungs])
    settled = [one.measured.top1 for one in rows if one.measured and one.measured.converged]
    seeds, sd = min((one.n for one in settled), default=0), stats.pooled_sd(settled)
    return Findings(
        table=table,
        rows=rows,
        rungs=tuple(replace(rung, holm_p=p) for rung, p in zip(rungs, corrected, strict=True)),
        overall=compare(rows[0], rows[-1]) if table.cumulative and len(rows) > 1 else None,
        seeds=seeds,
        detectable=None if sd is None else stats.detectable(sd, seeds),
    )


def measure(row: Row, chance_error: float) -> Measured | None:
    """None if no cell of the row is done. A cell has learned if its error is at most half of what guessing gives."""
    outcomes = row.outcomes
    if not outcomes:
        return None
    others = [one.other_error for one in outcomes if one.other_error is not None]
    return Measured(
        top1=stats.summary([one.top1_error for one in outcomes]),
        top5=stats.summary([one.top5_error for one in outcomes]),
        other=stats.summary(others) if others else None,
        converged=all(one.top1_error <= chance_error / 2 for one in outcomes),
        plateau=all(stats.on_plateau(one.curves.train_epoch, one.curves.train_loss) for one in outcomes),
        inverse_rms=_mean([one.inverse_rms for one in outcomes if one.inverse_rms]),
    )


def _mean(logged: Sequence[InverseRms]) -> InverseRms | None:
    if not logged:
        return None
    return InverseRms(**{name: fmean(getattr(one, name) for one in logged) for name in ("mean", "p1", "p99")})


def compare(before: Finding, after: Finding) -> Rung:
    rung = Rung(
        before=before.row,
        after=after.row,
        paper_change=paper_change(before.row, after.row),
        difference=None,
        welch_p=None,
        holm_p=None,
        verdict=None,
    )
    if not before.measured or not after.measured:
        return rung
    if not (before.measured.converged and after.measured.converged):
        return replace(rung, verdict=NOT_CONVERGED)
    group = before.row.outcomes[0].group
    before_SG, sizes_G = stats.wrong_by_group([one.correct for one in before.row.outcomes], group)
    after_SG, _ = stats.wrong_by_group([one.correct for one in after.row.outcomes], group)
    difference = stats.difference(before_SG, after_SG, sizes_G)
    welch_p = stats.welch(before.measured.top1, after.measured.top1)
    return replace(rung, difference=difference, welch_p=welch_p, verdict=verdict(difference, rung.paper_change))


def paper_change(before: Row, after: Row) -> float | None:
    first, second = before.printed.top1_error, after.printed.top1_error
    # Printed to one or two decimals: rounding takes away what binary fractions add.
    return None if first is None or second is None else round(second - first, 6)


def verdict(difference: Difference, paper_change: float | None) -> str:
    """A direction only where the interval excludes 0, and never from a single seed, whose luck no interval shows."""
    if not difference.seeds_resampled or difference.low <= 0 <= difference.high:
        return CANNOT_TELL
    if not paper_change:
        return "lower" if difference.change < 0 else "higher"
    return "same direction" if (difference.change < 0) == (paper_change < 0) else "opposite direction"
