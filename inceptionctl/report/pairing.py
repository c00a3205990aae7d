"""Which rows are the same runs: evaluated by another protocol, or as members of an ensemble.

Rows share runs only by identity. Two rows of different settings are never paired by their seed: a seed fixes the order
of the images and the start of the weights, but after training two networks of one seed are as different as any two
(Summers and Dinneen 2021), so that pairing would halve the degrees of freedom for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inceptionctl.report.results import ResultRow
from inceptionctl.report.runs import Floats
from inceptionctl.report.statistics.change import Side

Indices = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Block:
    """Finished cells of two rows, by their place, that share runs with each other and with no other."""

    before: Indices
    after: Indices


def runs_of(row: ResultRow) -> list[frozenset[str]]:
    """Of each finished cell, the identities of its runs."""
    pairs = zip(row.entry.cells, row.cells, strict=True)
    return [frozenset(entry.members or [entry.identity]) for entry, cell in pairs if cell.figures]


def share_a_run(first: ResultRow, second: ResultRow) -> bool:
    return not frozenset().union(*runs_of(first)).isdisjoint(frozenset().union(*runs_of(second)))


def blocks(before: ResultRow, after: ResultRow) -> list[Block] | None:
    """The cells of two rows in blocks; None unless every cell is in a block with cells of both rows, as many in each.
    If only some runs are shared, the rows are compared as if none were: the interval is then wider, never narrower."""
    found: list[tuple[frozenset[str], Indices, Indices]] = []
    sides = [(one, (place,), ()) for place, one in enumerate(runs_of(before))]
    cells = [*sides, *((one, (), (place,)) for place, one in enumerate(runs_of(after)))]
    for cell in cells:
        joined = [one for one in found if one[0] & cell[0]]
        found = [one for one in found if not one[0] & cell[0]]
        found.append(_merge([*joined, cell]))
    kinds = {(len(one[1]), len(one[2])) for one in found}
    if len(kinds) != 1 or 0 in next(iter(kinds)):
        return None
    return [Block(before=one[1], after=one[2]) for one in found]


def _merge(parts: list[tuple[frozenset[str], Indices, Indices]]) -> tuple[frozenset[str], Indices, Indices]:
    return (
        frozenset().union(*(one[0] for one in parts)),
        sum((one[1] for one in parts), ()),
        sum((one[2] for one in parts), ()),
    )


def in_blocks(side: Side, places: list[Indices]) -> Side:
    """The side with a value for each block, the mean of its cells."""
    counts: Floats | None = None
    if side.counts_SG is not None:
        counts = np.stack([side.counts_SG[list(one)].mean(axis=0) for one in places])
    values = tuple(float(np.mean([side.values[place] for place in one])) for one in places)
    return Side(weight=side.weight, values=values, counts_SG=counts)
