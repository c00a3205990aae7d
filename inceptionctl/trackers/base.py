"""Where rows of metrics go beside `metrics.jsonl`. A tracker that fails is reported once and never stops the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

from inceptionctl.runs.paths import RunDir

Row = dict[str, Any]


class Tracker(Protocol):
    def write(self, row: Row) -> None: ...

    def close(self) -> None: ...


class Nothing:
    """`tracker=none`."""

    def write(self, row: Row) -> None:
        pass

    def close(self) -> None:
        pass


class Guarded:
    """Passes rows on until its tracker raises; then says so, once, and goes quiet."""

    def __init__(self, name: str, open_tracker: Callable[[], Tracker], report: Callable[[str], None]) -> None:
        self._name, self._report = name, report
        self._tracker: Tracker = Nothing()
        self._try(lambda: setattr(self, "_tracker", open_tracker()))

    def write(self, row: Row) -> None:
        self._try(lambda: self._tracker.write(row))

    def close(self) -> None:
        self._try(lambda: self._tracker.close())

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as error:  # whatever a tracker raises: the run matters more
            self._tracker = Nothing()
            self._report(f"tracker {self._name} failed and is off for the rest of the run: {error!r}")


def values(row: Row) -> dict[str, float]:
    """The figures of a row under names that trackers group: `train/loss`, `ema/top1_error`."""
    prefix = row["weights"] if row["kind"] == "eval" else row["kind"]
    numbers = {key: value for key, value in row.items() if isinstance(value, int | float) and key != "step"}
    return {f"{prefix}/{key}": float(value) for key, value in numbers.items()}


Mode = Literal["online", "offline"]


def open_tracker(name: str, project: str | None, mode: Mode | None, run: RunDir, config: Row) -> Tracker:
    """The tracker called `name`, which gets `config` as its description of the run."""
    if name == "tensorboard":
        from inceptionctl.trackers.tensorboard import TensorBoard

        return TensorBoard(run)
    if name == "wandb":
        from inceptionctl.trackers.wandb import WeightsAndBiases

        return WeightsAndBiases(run, project, mode, config)
    return Nothing()
