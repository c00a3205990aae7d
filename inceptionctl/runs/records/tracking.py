"""trackers/NAME.json of a run or a table: how far a tracker got."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from inceptionctl.runs.io import Record


@dataclass(frozen=True, kw_only=True)
class TrackerState(Record):
    """`target`: where rows were sent; `rows`: of metrics.jsonl, how many are certain to be there, the first ones;
    `report`: digest of a table's report that is there."""

    schema: Literal[1] = 1
    target: str
    rows: Annotated[int, Field(ge=0)] = 0
    report: str | None = None
