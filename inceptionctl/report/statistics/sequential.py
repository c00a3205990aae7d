"""Several looks at results that grow: how certain each look must be (Lan and DeMets 1983, O'Brien-Fleming type).

Each side may spend 2 - 2 Phi(z / sqrt t) of its error up to the share t of all seeds, where z leaves a quarter of the
whole error beyond it: next to nothing early, all of it at the end. The limits follow from the distribution of z
statistics that share their seeds, by integration on a grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from inceptionctl.report.runs import Floats
from inceptionctl.report.statistics.summary import CONFIDENCE

POINTS = 801
FARTHEST = 9.0


@dataclass(frozen=True, kw_only=True)
class Look:
    """One of the declared looks: after how many seeds, and the confidence of its two-sided intervals."""

    number: int
    of: int
    seeds: int
    confidence: float


def planned(looks: int, max_seeds: int, confidence: float = CONFIDENCE) -> list[Look]:
    """Looks after equal numbers of seeds, as nearly as whole numbers allow; the last has all of them. Two looks after
    the same number are one."""
    seeds = sorted({max(2, math.ceil(max_seeds * number / looks)) for number in range(1, looks + 1)} | {max_seeds})
    levels = nominal_confidence([one / max_seeds for one in seeds], confidence)
    return [
        Look(number=number, of=len(seeds), seeds=one, confidence=level)
        for number, (one, level) in enumerate(zip(seeds, levels, strict=True), 1)
    ]


def look_at(looks: Sequence[Look], seeds: int) -> Look:
    """The look that `seeds` seeds allow: the last one that was due, or the first, which is the strictest."""
    return next((one for one in reversed(looks) if one.seeds <= seeds), looks[0])


def nominal_confidence(shares: Sequence[float], confidence: float = CONFIDENCE) -> list[float]:
    """Confidence of the interval at each look, after the given shares of all seeds, so that all looks together are
    wrong at most 1 - `confidence` of the time."""
    z = float(stats.norm.isf((1 - confidence) / 4))
    spent = [4 * float(stats.norm.sf(z / math.sqrt(share))) for share in shares]
    limits = _limits(np.asarray(shares, dtype=float), np.diff(spent, prepend=0.0))
    return [1 - 2 * float(stats.norm.sf(limit)) for limit in limits]


def _limits(shares: Floats, to_spend: Floats) -> list[float]:
    """The limit of |z| at each look that is first exceeded there with the probability `to_spend`. The state is the sum
    z sqrt(share), whose increments are independent."""
    limits = [float(stats.norm.isf(to_spend[0] / 2))]
    grid = _grid(limits[0], float(shares[0]))
    density = stats.norm.pdf(grid, scale=math.sqrt(shares[0]))
    for before, share, spend in zip(shares, shares[1:], to_spend[1:], strict=False):
        step = math.sqrt(share - before)
        limits.append(_limit(grid, density, step, math.sqrt(share), float(spend)))
        new = _grid(limits[-1], float(share))
        density = np.trapezoid(density * stats.norm.pdf(new[:, None], grid, step), grid, axis=1)
        grid = new
    return limits


def _grid(limit: float, share: float) -> Floats:
    """Sums that do not exceed the limit; beyond 9 standard deviations there are none."""
    edge = min(limit, FARTHEST) * math.sqrt(share)
    return np.linspace(-edge, edge, POINTS)


def _limit(grid: Floats, density: Floats, step: float, scale: float, spend: float) -> float:
    """The limit that the next sum, `density` plus an increment of sd `step`, exceeds with the probability `spend`."""

    def excess(limit: float) -> float:
        beyond = stats.norm.sf((limit * scale - grid) / step) + stats.norm.cdf((-limit * scale - grid) / step)
        return float(np.trapezoid(density * beyond, grid)) - spend

    return float(optimize.brentq(excess, 0.1, FARTHEST))
