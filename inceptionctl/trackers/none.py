"""`tracker=none`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from inceptionctl.settings import section
from inceptionctl.trackers.base import NullTracker, Row, TrackerSettings


@section
class Settings(TrackerSettings):
    """No tracker: metrics.jsonl alone."""

    name: Literal["none"]

    def open(self, run: Path, config: Row) -> NullTracker:
        return NullTracker()
