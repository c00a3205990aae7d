"""Where the spread between seeds comes from: the finite test set, or the networks (Jordan 2024).

Networks that err equally often on all images that there are still differ on a finite test set. For n runs on G groups
of images, the variance between seeds has the expectation (between networks) + (interaction of seed and group) / G; the
second is known from the outcomes of single images, so that the first is what is left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from inceptionctl.report.runs import Floats
from inceptionctl.report.statistics.images import interaction_variance
from inceptionctl.report.statistics.variance import own_variance

LEAST_SEEDS = 3
MOST_OF_IT = 0.5
LITTLE_OF_IT = 0.25  # the sd is then twice what converged networks show


@dataclass(frozen=True, kw_only=True)
class SeedSplit:
    """Standard deviations between seeds in points: as measured, what the finite test set explains, and what differs
    between the networks on all images (0 where the estimate of its square, `networks_variance`, is negative)."""

    total: float
    test_set: float
    networks: float
    networks_variance: float
    advice: str


def split(values: Sequence[float], counts_SG: Floats, sizes_G: Floats) -> SeedSplit | None:
    """Of one row; None for one seed."""
    own = own_variance(values)
    if own is None:
        return None
    total, test_set = own[0], interaction_variance(counts_SG, sizes_G)
    return SeedSplit(
        total=math.sqrt(total),
        test_set=math.sqrt(test_set),
        networks=math.sqrt(max(0.0, total - test_set)),
        networks_variance=total - test_set,
        advice=advice(len(values), total, test_set),
    )


def advice(seeds: int, total: float, test_set: float) -> str:
    """What narrows the intervals best."""
    if seeds < LEAST_SEEDS:
        return "more seeds: two do not show where the spread comes from"
    if test_set >= MOST_OF_IT * total:
        return "more images: the finite test set explains most of the spread"
    if test_set >= LITTLE_OF_IT * total:
        return "more seeds: test set and networks both matter"
    return "steadier training: the networks differ by more than converged ones do"
