"""What the choice of test images adds to the variance of an error or of a difference of errors.

Notation: S seeds, G groups of images. Images of one group share a source and are not independent: a group is what is
drawn. Counts are of wrong images.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inceptionctl.report.runs import Floats


def wrong_by_group(correct: Sequence[NDArray[np.bool_]], group: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Wrong images per seed and group (SG), and images per group (G)."""
    _, index, sizes = np.unique(group, return_inverse=True, return_counts=True)
    counts_SG = [np.bincount(index, weights=~one, minlength=len(sizes)) for one in correct]
    return np.stack(counts_SG).astype(np.float64), sizes.astype(np.float64)


def deviations(counts: Floats, sizes_G: Floats) -> Floats:
    """How far each group's count (last axis) is from its share of all, in percent of a group of mean size: the
    linear terms of the ratio (wrong images / images)."""
    rate = counts.sum(axis=-1, keepdims=True) / sizes_G.sum()
    return np.asarray(100 * (counts - rate * sizes_G) / sizes_G.mean())


def image_variance(counts_G: Floats, sizes_G: Floats) -> float:
    """Variance, over the choice of groups, of the error that `counts_G` amounts to (percent squared). Of a difference
    when they are differences of mean counts."""
    groups = len(sizes_G)
    return float(np.var(deviations(counts_G, sizes_G), ddof=1)) / groups if groups > 1 else 0.0


def interaction_variance(counts_SG: Floats, sizes_G: Floats) -> float:
    """Mean square of the interaction of seed and group, divided by the number of groups: the variance of one seed's
    error that the finite number of groups accounts for. 0 for one seed or one group, which do not show it."""
    seeds, groups = counts_SG.shape
    if seeds < 2 or groups < 2:
        return 0.0
    from_rate_SG = deviations(counts_SG, sizes_G)
    residual_SG = from_rate_SG - from_rate_SG.mean(axis=0)
    return float(np.sum(residual_SG**2) / ((seeds - 1) * (groups - 1) * groups))
