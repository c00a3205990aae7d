"""plan.json, what was expected of a table before its runs: `ablate --dry-run --save`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from inceptionctl.runs.io import Record


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """Of a row against an earlier one. `change`: the paper's, in points of its error; `direction`: of the table's
    metric; None: no expectation; "equal": of the A/A row."""

    before: str
    after: str
    change: float | None
    direction: Literal["lower", "higher", "equal"] | None


@dataclass(frozen=True, kw_only=True)
class DeclaredPlan(Record):
    """`at`: when it was written (ISO 8601, UTC), and `done`: how many of the cells were finished by then; `seeds`: of
    each row; `margin`: points within which two rows count as equal; `seed_sd`: assumed standard deviation between
    seeds, in the unit of the metric, and `sd_from`: where it is from; `detectable`: the smallest change that so many
    seeds show with 80 % power; None: unknown."""

    schema: Literal[1] = 1
    table: str
    at: str
    commit: str | None
    command: str
    metric: str
    margin: float | None
    seeds: list[int]
    cells: int
    done: int
    seed_sd: float | None
    sd_from: str
    detectable: float | None
    device_hours: float
    expected: list[Expectation]
