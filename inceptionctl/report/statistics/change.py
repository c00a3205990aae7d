"""The difference of two rows, or another sum of rows with weights, with its interval.

Its variance is a two-way random-effects estimate by moments. The seeds' part is the variance between seeds, divided by
their number. The images' part is the variance over groups of images, less what is in the seeds' part already: the
interaction of seed and image is in both (Owen 2007).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from inceptionctl.report.runs import Floats
from inceptionctl.report.statistics.images import image_variance, interaction_variance
from inceptionctl.report.statistics.summary import CONFIDENCE
from inceptionctl.report.statistics.variance import SeedVariance, own_variance


@dataclass(frozen=True, kw_only=True)
class Difference:
    """After minus before. `low` and `high`: its interval, None where one seed and no images leave it unknown. `se`: its
    standard error, with `df` degrees of freedom (Satterthwaite); `p`: two-sided, that the true change is 0; None if
    nothing varies. `seed_part` and `image_part` are variances that add up to se squared; `image_part` is None for a
    figure that is no error of images. `one_seed`: a side has a single seed, which does not show how much its row
    varies. `paired`: both sides are the same runs."""

    change: float
    low: float | None
    high: float | None
    se: float
    df: float | None
    p: float | None
    confidence: float
    seed_part: float
    image_part: float | None
    one_seed: bool
    paired: bool = False

    @property
    def reach(self) -> float | None:
        """Half the width of the interval."""
        return None if self.high is None else self.high - self.change

    @property
    def excludes_0(self) -> bool:
        """Whether the interval does."""
        return self.reach is not None and abs(self.change) > self.reach


@dataclass(frozen=True, kw_only=True)
class Side:
    """A row in a sum of rows: its figure per seed and, of errors, its wrong images per seed and group."""

    weight: float
    values: tuple[float, ...]
    counts_SG: Floats | None = None


def difference(
    before: Side, after: Side, sizes_G: Floats | None, variance: SeedVariance | None, confidence: float = CONFIDENCE
) -> Difference:
    return contrast([before, after], sizes_G, variance, confidence)


def paired_difference(before: Side, after: Side, sizes_G: Floats | None, confidence: float = CONFIDENCE) -> Difference:
    """Of two sides whose seeds are the same runs, in the same order: each run is compared with itself, so what its
    networks have in common cancels."""
    values = tuple(b - a for a, b in zip(before.values, after.values, strict=True))
    counts = None
    if before.counts_SG is not None and after.counts_SG is not None:
        counts = after.counts_SG - before.counts_SG
    return contrast([Side(weight=1, values=values, counts_SG=counts)], sizes_G, None, confidence, paired=True)


def contrast(
    sides: Sequence[Side],
    sizes_G: Floats | None,
    variance: SeedVariance | None,
    confidence: float = CONFIDENCE,
    *,
    paired: bool = False,
) -> Difference:
    """The sum of weight x mean over the sides. `variance`: of the table; each side's own is used if it is None or not
    to be pooled."""
    change = sum(side.weight * float(np.mean(side.values)) for side in sides)
    parts = seed_parts(sides, variance)
    seed_part = sum(part for part, _ in parts)
    image_part = None if sizes_G is None else _image_part(sides, sizes_G)
    if image_part:
        parts.append((image_part, max(1, len(sizes_G) - 1)))  # type: ignore[arg-type]
    se, df = math.sqrt(seed_part + (image_part or 0.0)), satterthwaite(parts)
    one_seed = min(len(side.values) for side in sides) < 2
    reach = se * float(stats.t.ppf((1 + confidence) / 2, df)) if df else (None if one_seed else 0.0)
    return Difference(
        change=change,
        low=None if reach is None else change - reach,
        high=None if reach is None else change + reach,
        se=se,
        df=df,
        p=float(2 * stats.t.sf(abs(change) / se, df)) if df else None,
        confidence=confidence,
        seed_part=seed_part,
        image_part=image_part,
        one_seed=one_seed,
        paired=paired,
    )


def seed_parts(sides: Sequence[Side], variance: SeedVariance | None) -> list[tuple[float, float]]:
    """Independent parts of the variance that the seeds cause, each with its degrees of freedom."""
    if variance and variance.pooled:
        return [(variance.variance * sum(side.weight**2 / len(side.values) for side in sides), variance.df)]
    own = [(side, own_variance(side.values)) for side in sides]
    return [(side.weight**2 * found[0] / len(side.values), found[1]) for side, found in own if found]


def _image_part(sides: Sequence[Side], sizes_G: Floats) -> float:
    """What the choice of images adds to the seeds' part; 0 if the estimate is negative."""
    counts = [(side.weight, side.counts_SG) for side in sides if side.counts_SG is not None]
    total = image_variance(sum(weight * one.mean(axis=0) for weight, one in counts), sizes_G)
    both = sum(weight**2 * interaction_variance(one, sizes_G) / len(one) for weight, one in counts)
    return max(0.0, total - both)


def satterthwaite(parts: Sequence[tuple[float, float]]) -> float | None:
    """Degrees of freedom of a sum of independent variances; None if all are 0."""
    total = sum(part for part, _ in parts)
    return total**2 / sum(part**2 / df for part, df in parts) if total > 0 else None
