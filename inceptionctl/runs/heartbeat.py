"""A worker's sign of life: the time at which a file was last touched."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from inceptionctl.errors import InceptionctlError

T = TypeVar("T")
INTERVAL_SECONDS = 1.0


@dataclass
class Heartbeat:
    """Touches `path` when called, at most once a second. Raises InceptionctlError once its folder is gone."""

    path: Path
    last: float = float("-inf")

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self.last > INTERVAL_SECONDS:
            self.last = now
            try:
                self.path.touch()
            except FileNotFoundError as error:
                raise InceptionctlError(f"{self.path.parent} was removed or renamed during the run") from error
            except OSError:
                pass  # a file that cannot be written to is noticed where the result is written

    def during(self, items: Iterable[T]) -> Iterator[T]:
        for item in items:
            self()
            yield item
