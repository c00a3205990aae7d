"""What each switch contributes, averaged over orders in which the switches are added (its Shapley value)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

Weights = dict[frozenset[str], float]


def weights(orders: Sequence[Sequence[str]]) -> dict[str, Weights]:
    """For each switch, the weight of every set of switches in the mean change that adding it makes. Sets that several
    orders go through count once for each."""
    found: dict[str, Weights] = {}
    for order in orders:
        for place, switch in enumerate(order):
            row = found.setdefault(switch, defaultdict(float))
            row[frozenset(order[: place + 1])] += 1 / len(orders)
            row[frozenset(order[:place])] -= 1 / len(orders)
    return {switch: {one: weight for one, weight in row.items() if weight} for switch, row in found.items()}
