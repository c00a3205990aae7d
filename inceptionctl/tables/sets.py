"""The sets of switches that are the rows of a crossed table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations

from inceptionctl.config.table_settings import Crossing
from inceptionctl.errors import RequestError

MOST_ROWS = 64
LONGEST_NAME = 100
ALL, BASE = "all", "base"


@dataclass(frozen=True, kw_only=True)
class Set:
    """`on`: the switches of a row; `against`: the label of the row that it is compared with, where that is not the one
    above; `adds`: the one switch by which it differs from there; `cell`: id of the paper's cell."""

    label: str
    on: list[str]
    against: str | None = None
    adds: str | None = None
    cell: str | None = None


def sets_by_mode(names: Sequence[str], mode: Crossing) -> list[Set]:
    """Raises RequestError for a grid of too many rows."""
    if mode == "cumulative":
        added = [Set(label=name, on=[*names[: i + 1]], adds=name) for i, name in enumerate(names)]
        return [Set(label=BASE, on=[]), *added]
    if mode == "leave_one_out":
        left_out = [Set(label=f"without {one}", on=[n for n in names if n != one], against=ALL) for one in names]
        return [Set(label=ALL, on=[*names]), *left_out]
    if 2 ** len(names) > MOST_ROWS:
        raise RequestError(
            f"mode=grid of {len(names)} switches has {2 ** len(names):,} rows: at most {MOST_ROWS}\n"
            "  mode=leave_one_out has a row for each switch, and order=permute averages over orders"
        )
    return _grid(names)


def _grid(names: Sequence[str]) -> list[Set]:
    """Every combination, by size; all but the first are compared with it."""
    chosen = [on for size in range(1, len(names) + 1) for on in combinations(names, size)]
    rows = [Set(label=" + ".join(on), on=[*on], against=BASE, adds=on[0] if len(on) == 1 else None) for on in chosen]
    return [Set(label=BASE, on=[]), *rows]


def folder_name(words: Sequence[str]) -> str:
    """Readable; a long one is cut and ends in a digest of all of it."""
    name = "-".join(words)
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}-{sha256(name.encode()).hexdigest()[:6]}"
