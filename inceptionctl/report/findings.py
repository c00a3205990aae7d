"""What a table's runs show: each row's figures, each rung's difference and verdict, and what could have been detected.
`report/find.py` computes it."""

from __future__ import annotations

from dataclasses import dataclass

from inceptionctl.report.results import ResultRow, ResultTable
from inceptionctl.report.runs import InverseRms
from inceptionctl.report.statistics.change import Difference
from inceptionctl.report.statistics.equivalence import Equivalence
from inceptionctl.report.statistics.prediction import AgainstPaper
from inceptionctl.report.statistics.sequential import Look
from inceptionctl.report.statistics.split import SeedSplit
from inceptionctl.report.statistics.summary import Summary
from inceptionctl.report.statistics.variance import SeedVariance
from inceptionctl.tables.metric import Metric

DIRECTIONS = ("same direction", "opposite direction", "lower", "higher")


@dataclass(frozen=True, kw_only=True)
class MetricFigures:
    """A row's values of one metric, one for each finished cell; None: the run never reached the error (`not_reached`
    counts them), or did not log what the metric needs. `summary` is None unless every run has a value: a mean over
    those that reached it would flatter the row."""

    metric: Metric
    values: tuple[float | None, ...]
    summary: Summary | None
    not_reached: int


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A row's figures over its finished cells. `other`: top-1 error of the weights that the table does not use;
    `inverse_rms`: mean over seeds of what RMSProp's runs logged last; `metrics`: the table's metric, then its further
    ones."""

    top1: Summary
    top5: Summary | None
    other: Summary | None
    converged: bool
    plateau: bool
    inverse_rms: InverseRms | None
    metrics: tuple[MetricFigures, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RowFinding:
    """`measured` is None if no cell of the row is finished; `split`: where the spread between its seeds comes from,
    None for one seed; `against_paper`: None unless images and protocol are the paper's and the seeds show a spread."""

    row: ResultRow
    measured: Measured | None
    split: SeedSplit | None = None
    against_paper: AgainstPaper | None = None

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

    @property
    def main(self) -> MetricFigures | None:
        """Of the metric that the table compares its rows by."""
        return self.measured.metrics[0] if self.measured and self.measured.metrics else None


@dataclass(frozen=True, kw_only=True)
class MetricChange:
    """A further metric of the table, between the two rows of a rung, by seeds alone. `difference` is None if a run did
    not reach the error; `rank_p` then compares the runs by their order."""

    metric: Metric
    difference: Difference | None
    rank_p: float | None = None


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A row against an earlier one; changes are in points, or in the unit of the table's metric. `difference` is None
    if a row has no finished cell, has not converged or has runs that did not reach the error of `steps_to`; `rank_p`
    compares these by their order. `welch_p`: by seeds alone; of rows of the same runs, the paired t test's. `holm_p` is
    None for the whole ladder, which is no adjacent pair, and for the A/A row (`null`), which tests the method."""

    before: ResultRow
    after: ResultRow
    paper_change: float | None
    difference: Difference | None = None
    welch_p: float | None = None
    holm_p: float | None = None
    rank_p: float | None = None
    equivalence: Equivalence | None = None
    verdict: str | None = None
    null: bool = False
    also: tuple[MetricChange, ...] = ()

    @property
    def resolved(self) -> bool:
        return self.verdict in DIRECTIONS and not self.null


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """What adding a switch changes, averaged over the orders of a table; None if a row that it needs is not finished or
    has not converged."""

    switch: str
    difference: Difference | None


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One line of the plan that was frozen before the runs, and what came of it."""

    what: str
    expected: str
    found: str
    holds: bool


@dataclass(frozen=True, kw_only=True)
class Findings:
    """`rungs` compare each row with the one that it is set against, in a ladder the row above; `overall` compares a
    ladder's last row with its first; `detectable`, in the unit of the metric, by `seeds` seeds a row at 80 % power.
    `seed_variance` is None without a row of two seeds. `confidence` is that of the rungs' intervals: 95 %, or what a
    declared number of looks leaves to this one (`look`). `shapley`: for tables of several orders; `declared`: None
    unless a plan was frozen."""

    table: ResultTable
    rows: tuple[RowFinding, ...]
    rungs: tuple[Rung, ...]
    overall: Rung | None
    seeds: int
    detectable: float | None
    metric: Metric
    seed_variance: SeedVariance | None
    confidence: float
    look: Look | None = None
    shapley: tuple[Contribution, ...] = ()
    declared: tuple[Declared, ...] | None = None

    @property
    def judged(self) -> tuple[Rung, ...]:
        """The rungs but for the A/A row's."""
        return tuple(rung for rung in self.rungs if not rung.null)

    @property
    def null(self) -> Rung | None:
        """The A/A row's: the same settings with other seeds, so a direction there is a false alarm."""
        return next((rung for rung in self.rungs if rung.null), None)

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
