"""label.json of a run folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from inceptionctl.runs.io import Record


@dataclass(frozen=True, kw_only=True)
class RunLabel(Record):
    """label.json: what the run is called in lists. It is not part of the identity, and older runs lack it."""

    schema: Literal[1] = 1
    label: str
