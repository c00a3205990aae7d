"""The 95 % interval of a share of images, such as an error, for the number of images it was found on. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

CONFIDENCE = 0.95
TAIL = (1 + CONFIDENCE) / 2


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share in percent with its interval; `n_images` that it is of, `n_groups` sources of these, and how many times
    as large as with independent images its variance is taken to be (`design_effect`, 1 where each has its own)."""

    percent: float
    low: float
    high: float
    n_images: int
    n_groups: int
    design_effect: float


def share(counted_N: np.ndarray, group_N: np.ndarray) -> Share:
    """The share of images that are counted (bool), by Wilson's score interval.

    Images of one source are not independent, so n becomes an effective sample size: n over the design effect, times
    (z / t)^2 for the degrees of freedom that the sources leave, as Korn and Graubard do (1998, "Confidence intervals
    for proportions with small expected number of positive counts estimated from survey data", Survey Methodology
    24.2); Wilson's interval with it is examined by Dean and Pagano (2015, "Evaluating confidence interval methods for
    binomial proportions in clustered surveys", JSSAM 3.4). The design effect is the variance of the ratio of counted
    images to all over sources (Taylor linearisation) over that of independent images, never below 1. Where all or no
    image is counted, the variance says nothing: then each source is one observation.
    """
    sizes_G, hits_G = _by_group(counted_N, group_N)
    n, p = len(counted_N), float(np.mean(counted_N))
    effect = design_effect(sizes_G, hits_G)
    effective = n / effect * _freedom_factor(n, len(sizes_G))
    low, high = wilson(p, effective)
    return Share(
        percent=100 * p,
        low=100 * low,
        high=100 * high,
        n_images=n,
        n_groups=len(sizes_G),
        design_effect=effect,
    )


def design_effect(sizes_G: np.ndarray, hits_G: np.ndarray) -> float:
    """See `share`. At most the images of the largest source, which have no less than one observation together."""
    n, groups = float(sizes_G.sum()), len(sizes_G)
    p = float(hits_G.sum()) / n
    if groups == n:
        return 1.0
    if p in (0.0, 1.0) or groups == 1:
        return n / groups
    variance = groups / (groups - 1) * float(((hits_G - p * sizes_G) ** 2).sum()) / n**2
    return min(max(1.0, variance / (p * (1 - p) / n)), float(sizes_G.max()))


def wilson(p: float, n: float) -> tuple[float, float]:
    """Wilson's score interval of a share of `n` observations, which need not be a whole number (SciPy's does)."""
    z = NormalDist().inv_cdf(TAIL)
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return max(0.0, min(p, centre - reach)), min(1.0, max(p, centre + reach))


def _freedom_factor(n: int, groups: int) -> float:
    """Korn and Graubard's (t of n - 1 over t of groups - 1)^2: 1 for independent images."""
    if groups == n or groups < 2:
        return 1.0
    return (t_quantile(n - 1) / t_quantile(groups - 1)) ** 2


def t_quantile(freedom: int) -> float:
    """Of Student's t, for a two-sided 95 % interval."""
    from scipy.special import stdtrit  # takes as long to import as all of a command's dry run

    return float(stdtrit(freedom, TAIL))


def _by_group(counted_N: np.ndarray, group_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(images, counted images) of each source."""
    _, index_N, sizes_G = np.unique(group_N, return_inverse=True, return_counts=True)
    return sizes_G, np.bincount(index_N, weights=counted_N, minlength=len(sizes_G))
