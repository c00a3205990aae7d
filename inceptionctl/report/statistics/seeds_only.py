"""Tests of two rows by their seeds alone, beside the interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats


def welch(before: Sequence[float], after: Sequence[float]) -> float | None:
    """Two-sided p of Welch's t test; None if a side has one seed or neither varies."""
    if min(len(before), len(after)) < 2 or np.ptp(before) == np.ptp(after) == 0:
        return None
    return float(stats.ttest_ind(before, after, equal_var=False).pvalue)


def paired_t(before: Sequence[float], after: Sequence[float]) -> float | None:
    """Two-sided p of the paired t test, for rows of the same runs; None if there is one run or all change alike."""
    if len(before) < 2 or np.ptp(np.subtract(after, before)) == 0:
        return None
    return float(stats.ttest_rel(before, after).pvalue)


def ranks(before: Sequence[float | None], after: Sequence[float | None]) -> float | None:
    """Two-sided p of the Mann-Whitney test by permutation of the seeds, exact for small numbers; None if a side has one
    seed. A value of None stands for a run that never reached the figure: it ranks behind every run that did."""
    if min(len(before), len(after)) < 2:
        return None
    last = 1 + max((value for value in (*before, *after) if value is not None), default=0.0)
    sides = [[last if value is None else value for value in side] for side in (before, after)]
    method = stats.PermutationMethod(n_resamples=20_000, rng=np.random.default_rng(0))
    return float(stats.mannwhitneyu(*sides, method=method).pvalue)
