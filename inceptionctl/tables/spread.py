"""How much runs spread between seeds at a scale, for predictions before there are runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AssumedSpread:
    """Standard deviation of the top-1 error between seeds, in points, and what it is taken from."""

    sd: float
    source: str


# Of the ladder of Inception-v2 with the settings of the scale, and a rough guess for other networks; docs/statistics.md
# has both.
SPREADS = {
    "digits": AssumedSpread(0.79, "50 earlier runs of Inception-v2 and its ladder"),
    "cifar10_fifth": AssumedSpread(0.33, "what 10,000 test images alone cause at 22 % error: the least there can be"),
}
