"""speed.json: training steps per second of several networks, taken in turn by one process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from inceptionctl.runs.io import Record
from inceptionctl.runs.records.process import Environment


@dataclass(frozen=True, kw_only=True)
class SpeedRow:
    """`paper`: id of the paper's row; `steps_per_second`: one for each repeat, in the order they were taken."""

    label: str
    paper: str | None
    identity: str
    steps_per_second: list[float]


@dataclass(frozen=True, kw_only=True)
class SpeedRecord(Record):
    """`clock`: whether the time is that of the process (CPU) or of the clock on the wall (GPU); `steps`: in a repeat.
    The first row is what the others are held against."""

    schema: Literal[1] = 1
    table: str
    setting: str
    batch_size: int
    clock: Literal["process", "wall"]
    steps: int
    rows: list[SpeedRow]
    environment: Environment
