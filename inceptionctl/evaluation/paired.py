"""Two evaluations of the same images: whether one makes fewer of them right, and by how much. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from inceptionctl.evaluation.intervals import t_quantile


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """The second error less the first, in points, with its 95 % interval. `only_first`, `only_second`: images that only
    one of both gets right; `p`: McNemar's exact test, two-sided, by source where images share one."""

    change: float
    low: float
    high: float
    only_first: int
    only_second: int
    n_images: int
    n_groups: int
    p: float


def paired_difference(first_N: np.ndarray, second_N: np.ndarray, group_N: np.ndarray) -> PairedDifference:
    """`first_N`, `second_N`: whether each is right (bool).

    The interval is Wald's with half an image added to each of the four outcomes (Agresti and Min 2005, "Simple improved
    confidence intervals for comparing matched proportions", Statistics in Medicine 24), its variance times the design
    effect of the sources, and with Student's t for their number. McNemar's test asks of the sources that favour one
    side whether they favour both sides equally often; where each image has its own, these are the discordant images.
    """
    lost, gained = first_N & ~second_N, second_N & ~first_N
    n, effect, groups = len(first_N), *_clusters(lost, gained, group_N)
    change = _adjusted(int(lost.sum()), int(gained.sum()), n)
    reach = t_quantile(max(1, len(groups) - 1)) * math.sqrt(change[1] * effect)
    wins, losses = int((groups < 0).sum()), int((groups > 0).sum())
    return PairedDifference(
        change=100 * (int(lost.sum()) - int(gained.sum())) / n,
        low=100 * (change[0] - reach),
        high=100 * (change[0] + reach),
        only_first=int(lost.sum()),
        only_second=int(gained.sum()),
        n_images=n,
        n_groups=len(groups),
        p=_mcnemar(wins, losses),
    )


def _mcnemar(wins: int, losses: int) -> float:
    from scipy.stats import binomtest  # takes longer to import than everything else

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def _adjusted(lost: int, gained: int, n: int) -> tuple[float, float]:
    """(difference, variance) with half an image more of each outcome."""
    b, c, total = lost + 0.5, gained + 0.5, n + 2
    difference = (b - c) / total
    return difference, ((b + c) / total - difference**2) / total


def _clusters(lost_N: np.ndarray, gained_N: np.ndarray, group_N: np.ndarray) -> tuple[float, np.ndarray]:
    """The design effect, 1 or more, and what the second makes worse of each source, in images."""
    change_N = lost_N.astype(np.float64) - gained_N
    _, index_N, sizes_G = np.unique(group_N, return_inverse=True, return_counts=True)
    change_G, mean = np.bincount(index_N, weights=change_N), float(change_N.mean())
    independent = float(((change_N - mean) ** 2).sum())
    if len(sizes_G) == len(change_N) or independent == 0:
        return float(sizes_G.max()), change_G
    return max(1.0, float(((change_G - mean * sizes_G) ** 2).sum()) / independent), change_G
