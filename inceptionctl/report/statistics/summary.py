"""Mean, spread and interval of a figure over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special, stats

CONFIDENCE = 0.95
Range = Literal["percent", "positive"]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Mean over n seeds with its 95 % interval; one seed has neither sd nor interval."""

    mean: float
    sd: float | None
    n: int
    low: float | None
    high: float | None


def summary(values: Sequence[float], within: Range = "percent") -> Summary:
    """The interval is Student's t over the seeds, computed where it cannot leave the figure's range and transformed
    back: the log odds of an error in percent, the logarithm of a positive figure."""
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Summary(mean=mean, sd=None, n=n, low=None, high=None)
    sd = float(np.std(values, ddof=1))
    low, high = interval(mean, sd / math.sqrt(n), n - 1, within)
    return Summary(mean=mean, sd=sd, n=n, low=low, high=high)


def interval(mean: float, error: float, df: float, within: Range) -> tuple[float, float]:
    """95 % interval of a mean with standard error `error`. At the end of the range no seed differs from another."""
    if error == 0:
        return mean, mean
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, df)) * error
    if within == "positive":
        return mean * math.exp(-reach / mean), mean * math.exp(reach / mean)
    share = mean / 100
    log_odds, reach = special.logit(share), reach / 100 / (share * (1 - share))
    return 100 * float(special.expit(log_odds - reach)), 100 * float(special.expit(log_odds + reach))
