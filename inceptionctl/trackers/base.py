"""The contract of a tracker, which gets the rows of `metrics.jsonl` too. One that fails never stops the run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from inceptionctl.settings import section

Row = dict[str, Any]
NOT_METRICS = ("schema", "step")


class Tracker(Protocol):
    def write(self, row: Row) -> None: ...

    def rewind(self, step: int) -> None:
        """Drops the rows after `step`, which will be written again: the run continues from a checkpoint."""

    def close(self) -> None: ...


@section
class TrackerSettings(ABC):
    """Each tracker is a subclass with exactly its own settings."""

    name: str

    @abstractmethod
    def open(self, run: Path, config: Row) -> Tracker:
        """A tracker for the run folder `run`; `config` is its description of the run."""


class NullTracker:
    def write(self, row: Row) -> None:
        pass

    def rewind(self, step: int) -> None:
        pass

    def close(self) -> None:
        pass


class Guarded:
    """Passes everything on to a tracker until it raises; reports that once and passes nothing on from then."""

    def __init__(self, name: str, open_tracker: Callable[[], Tracker], report: Callable[[str], None]) -> None:
        self._name, self._report = name, report
        self._tracker: Tracker = NullTracker()
        self._try(lambda: setattr(self, "_tracker", open_tracker()))

    def write(self, row: Row) -> None:
        self._try(lambda: self._tracker.write(row))

    def rewind(self, step: int) -> None:
        self._try(lambda: self._tracker.rewind(step))

    def close(self) -> None:
        self._try(lambda: self._tracker.close())

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as error:  # whatever a tracker raises: the run matters more
            self._tracker = NullTracker()
            self._report(f"tracker {self._name} failed and is off for the rest of the run: {error!r}")


def values(row: Row) -> dict[str, float]:
    """The numbers of a row under names that trackers group: `train/loss`, `ema/top1_error`."""
    prefix = row["weights"] if row["kind"] == "eval" else row["kind"]
    numbers = {key: value for key, value in row.items() if isinstance(value, int | float) and key not in NOT_METRICS}
    return {f"{prefix}/{key}": float(value) for key, value in numbers.items()}
