"""Points of convergence that a new version or another machine is tested against (`inceptionctl/reference/*.json`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from inceptionctl.runs.io import Record


@dataclass(frozen=True, kw_only=True)
class ReferenceRow:
    """A row of the table, with a value for each seed: `steps` until the error of `Reference.error` (None: never
    reached), and `errors` in percent at each of `epochs`. `params` and `macs` tell whether it is the same network."""

    label: str
    params: int
    macs: int
    epochs: list[float]
    steps: list[float | None]
    errors: list[list[float]]


@dataclass(frozen=True, kw_only=True)
class Reference(Record):
    """`setting`, `image_set`, `protocol` and `weights` as in the table's manifest; `command` made the runs, `made` says
    with which versions and where; `error`: that the steps lead to, in percent."""

    schema: Literal[1] = 1
    table: str
    setting: str
    command: str
    made: str
    image_set: str
    protocol: str
    weights: Literal["ema", "raw"]
    error: float
    rows: list[ReferenceRow]
