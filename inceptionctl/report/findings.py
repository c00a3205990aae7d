"""What a table's runs show: each row's error, each rung's difference and verdict, and what could have been detected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from inceptionctl.report import statistics as stats
from inceptionctl.report.results import ResultRow, ResultTable
from inceptionctl.report.runs import InverseRms
from inceptionctl.report.statistics import Difference, Summary

CANNOT_TELL = "cannot tell"
NOT_CONVERGED = "not converged"
DIRECTIONS = ("same direction", "opposite direction", "lower", "higher")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A row's figures over its finished cells. `other`: top-1 error of the weights that the table does not use;
    `inverse_rms`: mean over seeds of what RMSProp's runs logged last."""

    top1: Summary
    top5: Summary | None
    other: Summary | None
    converged: bool
    plateau: bool
    inverse_rms: InverseRms | None


@dataclass(frozen=True, kw_only=True)
class RowFinding:
    """`measured` is None if no cell of the row is finished."""

    row: ResultRow
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
    """A row against an earlier one; changes are in points of top-1 error. `difference` is None if a row has no finished
    cell or has not converged; `holm_p` is None for the whole ladder, which is no adjacent pair."""

    before: ResultRow
    after: ResultRow
    paper_change: float | None
    difference: Difference | None = None
    welch_p: float | None = None
    holm_p: float | None = None
    verdict: str | None = None

    @property
    def resolved(self) -> bool:
        return self.verdict in DIRECTIONS


@dataclass(frozen=True, kw_only=True)
class Findings:
    """`rungs` compare each row with the one that it is set against, in a ladder the row above; `overall` compares a
    ladder's last row with its first; `detectable` is in points and regards seeds only."""

    table: ResultTable
    rows: tuple[RowFinding, ...]
    rungs: tuple[Rung, ...]
    overall: Rung | None
    seeds: int
    detectable: float | None

    @property
    def resolved(self) -> int:
        return sum(rung.resolved for rung in self.rungs)

    def rung(self, row: ResultRow) -> Rung | None:
        """The comparison of `row` with an earlier one."""
        return next((rung for rung in self.rungs if rung.after is row), None)

    @property
    def sample(self) -> str:
        """The number of seeds, as printed."""
        counts = sorted({len(row.figures) for row in self.table.rows})
        return f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"

    @property
    def shows_top5(self) -> bool:
        """With more than ten classes: guessing is then wrong more often than nine times in ten."""
        return self.table.manifest.chance_error > 90

    @property
    def measured(self) -> tuple[tuple[ResultRow, Measured], ...]:
        return tuple((one.row, one.measured) for one in self.rows if one.measured)


def find(table: ResultTable) -> Findings:
    rows = tuple(RowFinding(row=row, measured=measure(row, table.manifest.chance_error)) for row in table.rows)
    by_label = {one.row.label: one for one in rows}
    rungs = [compare(by_label[one.row.against], one) for one in rows if one.row.against]
    corrected = stats.holm([rung.welch_p for rung in rungs])
    converged = [one.measured.top1 for one in rows if one.measured and one.measured.converged]
    seeds, sd = min((one.n for one in converged), default=0), stats.pooled_sd(converged)
    return Findings(
        table=table,
        rows=rows,
        rungs=tuple(replace(rung, holm_p=p) for rung, p in zip(rungs, corrected, strict=True)),
        overall=compare(rows[0], rows[-1]) if table.cumulative and len(rows) > 1 else None,
        seeds=seeds,
        detectable=None if sd is None else stats.detectable(sd, seeds),
    )


def measure(row: ResultRow, chance_error: float) -> Measured | None:
    """None if no cell of the row is finished. A cell has converged if its error is at most half of guessing's."""
    figures = row.figures
    if not figures:
        return None
    others = [one.other_error for one in figures if one.other_error is not None]
    top5 = [one.top5_error for one in figures if one.top5_error is not None]
    return Measured(
        top1=stats.summary([one.top1_error for one in figures]),
        top5=stats.summary(top5) if top5 else None,
        other=stats.summary(others) if others else None,
        converged=all(one.top1_error <= chance_error / 2 for one in figures),
        plateau=all(stats.on_plateau(one.curves.train_epoch, one.curves.train_loss) for one in figures),
        inverse_rms=_mean([one.inverse_rms for one in figures if one.inverse_rms]),
    )


def _mean(logged: Sequence[InverseRms]) -> InverseRms | None:
    if not logged:
        return None
    return InverseRms(**{name: fmean(getattr(one, name) for one in logged) for name in ("mean", "p1", "p99")})


def compare(before: RowFinding, after: RowFinding) -> Rung:
    rung = Rung(before=before.row, after=after.row, paper_change=paper_change(before.row, after.row))
    if not before.measured or not after.measured:
        return rung
    if not (before.measured.converged and after.measured.converged):
        return replace(rung, verdict=NOT_CONVERGED)
    group_N = before.row.figures[0].predictions.group_N
    before_SG, sizes_G = stats.wrong_by_group([one.predictions.correct_N for one in before.row.figures], group_N)
    after_SG, _ = stats.wrong_by_group([one.predictions.correct_N for one in after.row.figures], group_N)
    difference = stats.difference(before_SG, after_SG, sizes_G)
    welch_p = stats.welch(before.measured.top1, after.measured.top1)
    return replace(rung, difference=difference, welch_p=welch_p, verdict=verdict(difference, rung.paper_change))


def paper_change(before: ResultRow, after: ResultRow) -> float | None:
    first, second = before.printed.top1_error, after.printed.top1_error
    # Printed to one or two decimals: rounding removes the error of binary fractions.
    return None if first is None or second is None else round(second - first, 6)


def verdict(difference: Difference, paper_change: float | None) -> str:
    """A direction only if the interval excludes 0, and never from one seed, whose spread the interval cannot show."""
    if not difference.seeds_resampled or difference.low <= 0 <= difference.high:
        return CANNOT_TELL
    if not paper_change:
        return "lower" if difference.change < 0 else "higher"
    return "same direction" if (difference.change < 0) == (paper_change < 0) else "opposite direction"
