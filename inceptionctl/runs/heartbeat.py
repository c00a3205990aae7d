"""A worker's sign of life: the time at which a file was last touched."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
INTERVAL_SECONDS = 1.0


@dataclass
class Heartbeat:
    """Touches `path` when called, at most once a second."""

    path: Path
    last: float = float("-inf")

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self.last > INTERVAL_SECONDS:
            self.last = now
            with suppress(OSError):  # a file that cannot be written to is noticed where the result is written
                self.path.touch()

    def during(self, items: Iterable[T]) -> Iterator[T]:
        for item in items:
            self()
            yield item
