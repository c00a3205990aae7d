"""What a table compares its rows by, as its file writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

NAMES = ("final", "steps_to(ERROR)", "area_under_curve", "steps_per_second")
STEPS_TO = re.compile(r"steps_to\((\d+(?:\.\d+)?)\)")


@dataclass(frozen=True)
class Metric:
    """`final`: top-1 error after the last step, in percent. `steps_to`: training steps until the top-1 error is at most
    `error` percent. `area_under_curve`: mean top-1 error over the run. `steps_per_second`: speed of training."""

    name: Literal["final", "steps_to", "area_under_curve", "steps_per_second"]
    error: float | None = None

    @classmethod
    def parse(cls, text: str) -> Metric:
        """Raises ValueError for anything but NAMES."""
        if found := STEPS_TO.fullmatch(text):
            error = float(found[1])
            if not 0 < error < 100:
                raise ValueError(f"{text}: the error to reach lies between 0 and 100 %")
            return cls("steps_to", error)
        if text in ("final", "area_under_curve", "steps_per_second"):
            return cls(text)  # type: ignore[arg-type]
        raise ValueError(f"{text!r} is no metric: {', '.join(NAMES)}")

    def __str__(self) -> str:
        return f"steps_to({self.error:g})" if self.error is not None else self.name

    @property
    def unit(self) -> str:
        """Of its values; differences of errors are in points."""
        return {"steps_to": "steps", "steps_per_second": "steps/s"}.get(self.name, "%")

    @property
    def is_error(self) -> bool:
        """Whether its values are errors in percent."""
        return self.unit == "%"

    @property
    def lower_is_better(self) -> bool:
        return self.name != "steps_per_second"
