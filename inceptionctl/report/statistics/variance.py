"""The variance between seeds, pooled over the rows of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from inceptionctl.report.runs import Floats

LEVENE_LEVEL = 0.2  # of a test that must notice, with few seeds, what would make the pooled interval wrong


@dataclass(frozen=True, kw_only=True)
class SeedEffect:
    """What a seed has in common in all rows: its share of the variance between seeds, and the p of its F test."""

    share: float
    p: float


@dataclass(frozen=True, kw_only=True)
class SeedVariance:
    """Standard deviation between seeds, pooled over `rows` rows with `df` degrees of freedom. `levene_p`: that the
    rows vary alike, None with fewer than two rows of three seeds; `pooled`: whether the rows are compared by the
    pooled value, because Levene's test does not contradict it; `effect`: of equal seeds, None unless two rows or more
    have the same ones. It is shown, and rows are never paired because of it."""

    sd: float
    df: int
    rows: int
    levene_p: float | None
    pooled: bool
    effect: SeedEffect | None = None

    @property
    def variance(self) -> float:
        return self.sd**2


def seed_variance(rows: Sequence[Sequence[float]]) -> SeedVariance | None:
    """Of each row's values over its seeds; rows of one seed say nothing. None if no row has two seeds."""
    known = [np.asarray(row, dtype=float) for row in rows if len(row) > 1]
    if not known:
        return None
    df = sum(len(row) - 1 for row in known)
    variance = sum((len(row) - 1) * float(row.var(ddof=1)) for row in known) / df
    p = levene(known)
    return SeedVariance(
        sd=math.sqrt(variance), df=df, rows=len(known), levene_p=p, pooled=p is None or p >= LEVENE_LEVEL
    )


def levene(rows: Sequence[Floats]) -> float | None:
    """Two-sided p of Levene's test (deviations from the mean). Two seeds deviate alike by construction, so only rows
    of three or more count."""
    known = [row for row in rows if len(row) > 2]
    if len(known) < 2 or all(np.ptp(row) == 0 for row in known):
        return None
    with np.errstate(divide="ignore", invalid="ignore"):  # all seeds of a row may deviate alike
        p = float(stats.levene(*known, center="mean").pvalue)
    return None if math.isnan(p) else p


def seed_effect(values_RS: Sequence[Sequence[float]]) -> SeedEffect | None:
    """Of rows and seeds as the blocks of a two-way table without replication; None if it is too small or never
    varies."""
    table = np.asarray(values_RS, dtype=float)
    rows, seeds = table.shape
    if rows < 2 or seeds < 2:
        return None
    seed_S = table.mean(axis=0) - table.mean()
    residual = table - table.mean(axis=1, keepdims=True) - seed_S
    common, rest = rows * float(np.sum(seed_S**2)) / (seeds - 1), float(np.sum(residual**2)) / (rows - 1) / (seeds - 1)
    if common + rest == 0:
        return None
    variance = max(0.0, (common - rest) / rows)
    p = float(stats.f.sf(common / rest, seeds - 1, (rows - 1) * (seeds - 1))) if rest else 0.0
    return SeedEffect(share=variance / (variance + rest), p=p)


def own_variance(values: Sequence[float]) -> tuple[float, int] | None:
    """Variance between the seeds of one row and its degrees of freedom; None for one seed."""
    return (float(np.var(values, ddof=1)), len(values) - 1) if len(values) > 1 else None
