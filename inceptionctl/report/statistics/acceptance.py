"""Whether runs converge as reference runs did: a one-sided test to either side, with trimmed means.

As MLPerf's checker of reference convergence points does, the best and the worst run are left out of a mean of five or
more ("olympic mean"). The variance is then Yuen's (1974), by winsorized deviations, since the spread of the runs that
are left would be too small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEAST_TO_TRIM = 5


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """Trimmed means, and the one-sided p values that ours is larger, or smaller, by chance."""

    ours: float
    reference: float
    p_larger: float
    p_smaller: float


def accept(ours: Sequence[float], reference: Sequence[float]) -> Acceptance:
    """Pooled t test of trimmed means. One run of ours is tested by the spread of the reference alone."""
    (mean, kept, squares), (other, other_kept, other_squares) = _trimmed(ours), _trimmed(reference)
    df = kept + other_kept - 2
    variance = (squares + other_squares) / df * (1 / kept + 1 / other_kept)
    t = (mean - other) / math.sqrt(variance) if variance else math.copysign(math.inf, mean - other) * (mean != other)
    t = 0.0 if math.isnan(t) else t
    return Acceptance(
        ours=mean, reference=other, p_larger=float(stats.t.sf(t, df)), p_smaller=float(stats.t.cdf(t, df))
    )


def _trimmed(values: Sequence[float]) -> tuple[float, int, float]:
    """Trimmed mean, number of values in it, and the winsorized sum of squares."""
    cut = 1 if len(values) >= LEAST_TO_TRIM else 0
    ordered = np.sort(np.asarray(values, dtype=float))
    kept = ordered[cut : len(ordered) - cut]
    winsorized = np.clip(ordered, kept[0], kept[-1])
    return float(kept.mean()), len(kept), float(((winsorized - winsorized.mean()) ** 2).sum())
