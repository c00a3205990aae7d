"""Whether a run has learned, and whether it was still learning when it ended."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from inceptionctl.report.runs import Floats

LATE = 0.8  # of the run: the rest is its end


def better_than_chance(error: float, chance: float, sizes_G: Floats) -> float:
    """One-sided p that an error (both in percent) is no better than guessing's. Images of one group may all be right or
    wrong together, so the number of independent images is taken to be no more than that of groups (Kish's effective
    number if they differ in size)."""
    effective = max(1, math.floor(sizes_G.sum() ** 2 / (sizes_G**2).sum()))
    wrong = math.ceil(round(error / 100 * effective, 9))
    return float(stats.binom.cdf(wrong, effective, chance / 100))


def loss_fall(epoch: Floats, loss: Floats) -> float | None:
    """By which share of its first logged value the training loss fell to the mean of the run's last fifth; None if it
    was not logged twice, or did not begin above 0."""
    late = epoch > LATE * epoch.max(initial=0.0)
    if len(loss) < 2 or not late.any() or loss[0] <= 0:
        return None
    return float(1 - loss[late].mean() / loss[0])


def on_plateau(epoch: Floats, loss: Floats) -> bool:
    """Whether a line fitted to the loss changes over the last fifth of the run by less than 5 % of the fall from the
    first logged value to the mean of that fifth. False if the loss never fell, or with fewer than three values."""
    late = epoch > LATE * epoch.max(initial=0.0)
    if late.sum() < 3:
        return False
    fell = loss[0] - loss[late].mean()
    change = stats.linregress(epoch[late], loss[late]).slope * (1 - LATE) * epoch.max()
    return bool(np.abs(change) < 0.05 * fell)
