"""Orders in which switches are added, and the sets of switches that they go through."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations
from random import Random

from inceptionctl.config.table_settings import TableSettings
from inceptionctl.errors import RequestError, count
from inceptionctl.tables.sets import Set

ALL_UP_TO = 4  # switches


def orders_of(labels: Sequence[str], settings: TableSettings) -> list[list[str]]:
    """All orders of up to four switches, or `settings.orders` different ones at random, the given order among them.
    Raises RequestError for a number that cannot be."""
    wanted, possible = settings.orders, math.factorial(len(labels))
    if len(labels) < 2:
        raise RequestError("order=permute needs two switches or more: one has one order")
    if wanted is None and len(labels) > ALL_UP_TO:
        raise RequestError(
            f"{len(labels)} switches have {possible:,} orders: orders=N takes N of them at random, such as orders=20"
        )
    if wanted is not None and wanted >= possible:
        raise RequestError(f"orders={wanted}: there are {count(possible, 'order')}; all are taken if you leave it out")
    if wanted is None:
        return [[*order] for order in permutations(labels)]
    random, found = Random(settings.order_seed), {tuple(labels): None}
    while len(found) < wanted:
        found.setdefault(tuple(random.sample(labels, len(labels))))
    return [[*order] for order in found]


def sets_of(labels: Sequence[str], orders: Sequence[Sequence[str]], base: str) -> list[Set]:
    """Every set of switches once, by size: the `base` has none, and the one with all is compared with it."""
    found = {frozenset(order[:size]) for order in orders for size in range(len(order) + 1)}
    sets = sorted(
        ([one for one in labels if one in on] for on in found), key=lambda on: (len(on), *map(labels.index, on))
    )
    return [
        Set(label=" + ".join(on) or base, on=on, against=base if len(on) in (1, len(labels)) else None) for on in sets
    ]
