"""Which images a network was right about, small enough for a thousand cells at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inceptionctl.runs.evaluations import Predictions


@dataclass(frozen=True)
class Outcomes:
    """`bits`: a bit for each image, set where its class was the likeliest; `label_N` and `group_N` as in `Predictions`,
    which all cells of a table share."""

    bits: NDArray[np.uint8]
    label_N: NDArray[np.int64]
    group_N: NDArray[np.int64]

    @classmethod
    def of(cls, predictions: Predictions) -> Outcomes:
        return cls(np.packbits(predictions.correct_N), predictions.label_N, predictions.group_N)

    @property
    def correct_N(self) -> NDArray[np.bool_]:
        return np.unpackbits(self.bits, count=len(self.label_N)).astype(bool)

    def sharing(self, first: Outcomes) -> Outcomes | None:
        """With the arrays of `first` in place of its own; None if it is of other images."""
        same = np.array_equal(self.label_N, first.label_N) and np.array_equal(self.group_N, first.group_N)
        return replace(self, label_N=first.label_N, group_N=first.group_N) if same else None
