"""The smallest difference that can be detected."""

from __future__ import annotations

import math

from scipy import optimize, stats

from inceptionctl.report.statistics.summary import CONFIDENCE

POWER = 0.80


def detectable(se: float, df: float, confidence: float = CONFIDENCE) -> float:
    """The smallest true difference that a two-sided t test finds with 80 % power, if the difference has the standard
    error `se` with `df` degrees of freedom."""
    critical = stats.t.ppf((1 + confidence) / 2, df)

    def excess(shift: float) -> float:
        # The other tail is left out: it is below 1e-5 if the power is near 80 %.
        return float(stats.nct.sf(critical, df, shift)) - POWER

    return float(optimize.brentq(excess, 0.0, 10 * critical)) * se


def predicted(sd: float, n: int, rows: int = 2, confidence: float = CONFIDENCE) -> float | None:
    """The same before any run: n seeds a row that vary by `sd`, pooled over `rows` rows. None for one seed."""
    if n < 2:
        return None
    return detectable(sd * math.sqrt(2 / n), rows * (n - 1), confidence)
