"""Means over seeds, differences between rows, and their intervals. Errors in percent, differences in points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from inceptionctl.report.runs import Floats

CONFIDENCE = 0.95
POWER = 0.80
RESAMPLES = 10_000
GENERATOR_SEED = 20151202  # fixed, so that a report is always the same (the date of the paper's first version)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Mean over n seeds with its t interval; one seed has neither sd nor interval."""

    mean: float
    sd: float | None
    n: int
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """After minus before, in points. `seeds_resampled` is False if a side has one seed: the interval then leaves out
    the variance between seeds."""

    change: float
    low: float
    high: float
    seeds_resampled: bool


def summary(values: Sequence[float]) -> Summary:
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Summary(mean=mean, sd=None, n=n, low=None, high=None)
    sd = float(np.std(values, ddof=1))
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * sd / math.sqrt(n)
    return Summary(mean=mean, sd=sd, n=n, low=mean - reach, high=mean + reach)


def wrong_by_group(correct: Sequence[NDArray[np.bool_]], group: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Wrong images per seed and group (SG), and images per group (G); images of one group share a source."""
    _, index, sizes = np.unique(group, return_inverse=True, return_counts=True)
    counts_SG = [np.bincount(index, weights=~one, minlength=len(sizes)) for one in correct]
    return np.stack(counts_SG).astype(np.float64), sizes.astype(np.float64)


def difference(before_SG: Floats, after_SG: Floats, sizes_G: Floats) -> Difference:
    """Difference of the seed means with a 95 % interval from a crossed bootstrap over seeds and images.

    Each resample draws the seeds of the two rows separately, and the groups of images once for both, which are
    evaluated on the same images. Two corrections for few seeds: drawing n of n seeds has only (n-1)/n of their
    variance, so deviations are scaled by sqrt(n/(n-1)); and percentile intervals of three seeds are too short (about
    87 % for 95 %), so the interval is change +- t x the bootstrap's standard error, with Welch and Satterthwaite's
    degrees of freedom from the two rows' seeds and the images. Simulated coverage at n = 3 is 96 to 97 % if seeds
    differ much, and over 99 % if only images do, since crossed resampling counts the interaction of seed and image
    more than once (Owen 2007): it errs on the side of "cannot tell".
    """
    rates = [100 * counts.sum(axis=1) / sizes_G.sum() for counts in (before_SG, after_SG)]
    change = float(rates[1].mean() - rates[0].mean())
    few = min(map(len, rates)) < 2
    variance = float(_crossed_bootstrap(before_SG, after_SG, sizes_G, resample_seeds=not few).var(ddof=1))
    if variance == 0:
        return Difference(change=change, low=change, high=change, seeds_resampled=not few)
    parts = [] if few else [(rate.var(ddof=1) / len(rate), len(rate) - 1) for rate in rates]
    parts.append((max(0.0, variance - sum(part for part, _ in parts)), max(1, len(sizes_G) - 1)))
    freedom = sum(part for part, _ in parts) ** 2 / sum(part**2 / df for part, df in parts)
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * math.sqrt(variance)
    return Difference(change=change, low=change - reach, high=change + reach, seeds_resampled=not few)


def _crossed_bootstrap(before_SG: Floats, after_SG: Floats, sizes_G: Floats, *, resample_seeds: bool) -> Floats:
    """Resampled differences in points. Groups with equal counts in all seeds are exchangeable, so the number drawn of
    each kind is multinomial: 48,238 images of two rows have a few hundred kinds at most."""
    generator = np.random.default_rng(GENERATOR_SEED)
    table = np.column_stack([sizes_G, _rescaled(before_SG).T, _rescaled(after_SG).T])
    kinds, number = np.unique(table, axis=0, return_counts=True)
    drawn = generator.multinomial(len(table), number / len(table), size=RESAMPLES) @ kinds
    rates_RS = 100 * drawn[:, 1:] / drawn[:, :1]
    means = []
    for rates in np.split(rates_RS, [len(before_SG)], axis=1):
        n = rates.shape[1]
        weights = generator.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) if resample_seeds else np.ones(n)
        means.append((rates * weights).sum(axis=1) / n)
    return np.asarray(means[1] - means[0])


def _rescaled(counts_SG: Floats) -> Floats:
    n = len(counts_SG)
    if n < 2:
        return counts_SG
    mean = counts_SG.mean(axis=0)
    return np.asarray(mean + math.sqrt(n / (n - 1)) * (counts_SG - mean))


def welch(before: Summary, after: Summary) -> float | None:
    """Two-sided p of Welch's t test over seeds; None if a side has one seed or neither side varies."""
    if not before.sd and not after.sd:
        return None
    if before.sd is None or after.sd is None:
        return None
    sides = (before.mean, before.sd, before.n, after.mean, after.sd, after.n)
    return float(stats.ttest_ind_from_stats(*sides, equal_var=False).pvalue)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction of the p values that are not None, in the given order."""
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    floor = 0.0
    for rank, (p, place) in enumerate(known):
        floor = max(floor, min(1.0, p * (len(known) - rank)))
        corrected[place] = floor
    return corrected


def pooled_sd(rows: Sequence[Summary]) -> float | None:
    """The standard deviation between seeds, pooled over rows; None if no row has two seeds."""
    known = [(row.n - 1, row.sd) for row in rows if row.sd is not None]
    if not known:
        return None
    return math.sqrt(sum(df * sd**2 for df, sd in known) / sum(df for df, _ in known))


def detectable(sd: float, n: int) -> float | None:
    """The smallest true difference that a two-sided t test at 5 % between two rows of n seeds finds with 80 % power."""
    if n < 2:
        return None
    freedom = 2 * n - 2
    critical = stats.t.ppf((1 + CONFIDENCE) / 2, freedom)

    def excess(shift: float) -> float:
        # The other tail is left out: it is below 1e-5 if the power is near 80 %.
        return float(stats.nct.sf(critical, freedom, shift)) - POWER

    return float(optimize.brentq(excess, 0.0, 10 * critical)) * sd * math.sqrt(2 / n)


def on_plateau(epoch: Floats, loss: Floats) -> bool:
    """Whether a line fitted to the loss changes over the last fifth of the run by less than 5 % of the fall from the
    first logged value to the mean of that fifth. False if the loss never fell, or with fewer than three values."""
    late = epoch > 0.8 * epoch.max(initial=0.0)
    if late.sum() < 3:
        return False
    fell = loss[0] - loss[late].mean()
    change = stats.linregress(epoch[late], loss[late]).slope * 0.2 * epoch.max()
    return bool(abs(change) < 0.05 * fell)
