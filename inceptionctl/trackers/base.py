"""The contract of a tracker, which is fed the rows of `metrics.jsonl`, and what it is told of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from inceptionctl.settings import section

Row = dict[str, Any]
NOT_METRICS = ("schema", "step")


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """What a tracker knows of a run, or of a table. `folder`: its own, in which a tracker's files lie; `id`: identity
    and attempt; `label`: its name for people; `group`: the table or experiment that it belongs to."""

    folder: Path
    id: str
    label: str
    group: str
    config: Row = field(default_factory=dict)


class Tracker(Protocol):
    """Whatever it raises means that it failed: the run goes on without it, and its rows are sent later."""

    def start(self, rows: Sequence[Row], sent: int) -> int:
        """Called before the first row, and when the run goes back to a checkpoint. `rows`: those that the run has;
        `sent`: how many of them were confirmed. Returns how many need not be written again."""

    def write(self, number: int, row: Row) -> None:
        """`number`: of the row in `metrics.jsonl`, from 0. Rows come in order, each once."""

    def flush(self) -> bool:
        """Whether every row so far is now safe, whatever happens to this process."""

    def report(self, title: str, files: Mapping[str, Path]) -> None:
        """Keeps a table's report: `files` by name."""

    def close(self) -> None:
        """When it returns, every row so far is safe."""


@section
class TrackerSettings(ABC):
    """Each tracker is a subclass with exactly its own settings."""

    name: str

    @property
    @abstractmethod
    def target(self) -> str:
        """Where rows go, in words: what was sent to one target was not sent to another."""

    @property
    def sent_on_by(self) -> str:
        """What sends rows on that stay on this machine; "" where they do not."""
        return ""

    @abstractmethod
    def open(self, run: TrackedRun) -> Tracker | None:
        """None if it is switched off."""


def values(row: Row) -> dict[str, float]:
    """The numbers of a row under names that trackers group: `train/loss`, `ema/final/top1_error`. What a row says of
    the checks after each epoch, of the choice of a checkpoint and of the final evaluation has names of its own."""
    prefix = f"{row['weights']}/{row['purpose']}" if row["kind"] == "eval" else row["kind"]
    numbers = {key: value for key, value in row.items() if isinstance(value, int | float) and key not in NOT_METRICS}
    return {f"{prefix}/{key}": float(value) for key, value in numbers.items()}


def step_start(rows: Sequence[Row], sent: int) -> int:
    """The number of the first row of the step that the last of the `sent` rows belongs to."""
    first = sent
    while first and rows[first - 1]["step"] == rows[sent - 1]["step"]:
        first -= 1
    return first
