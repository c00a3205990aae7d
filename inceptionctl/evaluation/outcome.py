"""What networks said of every image of a set, and the figures that follow. No torch.

Axes: N images, K classes, L labels of an image, S subsets of an ensemble's members.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

TOP = 5  # classes kept for each image
NO_CLASS = -1  # in place of the likeliest classes of an image that could not be read


@dataclass(frozen=True)
class Figures:
    """Errors in percent; `top5_error` is None where there are not more than five classes; `nll`: mean negative
    log-likelihood in nats of the images that could be read."""

    top1_error: float
    top5_error: float | None
    nll: float


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Of some or all images of a set. `indices_N`: their places in the set; `labels_NL`: the classes that are right,
    padded with -1; `top5_NK`: the (up to) five likeliest classes, best first; `p_true_N`: probability of any of the
    labels; `confidence_N`: of the likeliest class; `nll_N`: negative log-likelihood in nats, without smoothing or
    auxiliary heads; `left_out_M`: places of images that could not be read and count for nothing; `p_NK`: of all
    classes, float16, if asked for.

    An image that could not be read and counts as wrong has NO_CLASS for its likeliest classes, probabilities of 0 and a
    likelihood of NaN. `hits_NST` and `nll_NS`: of subsets of an ensemble's members, whether a label is the likeliest
    class and whether it is among the five, and the likelihood; without an ensemble there are no subsets.
    """

    n_classes: int
    indices_N: np.ndarray
    labels_NL: np.ndarray
    top5_NK: np.ndarray
    p_true_N: np.ndarray
    confidence_N: np.ndarray
    nll_N: np.ndarray
    left_out_M: np.ndarray
    hits_NST: np.ndarray
    nll_NS: np.ndarray
    p_NK: np.ndarray | None = None

    @property
    def n_images(self) -> int:
        """Those that the errors are of."""
        return len(self.indices_N)

    @property
    def read_N(self) -> np.ndarray:
        """Whether each image could be read."""
        return np.asarray(self.top5_NK[:, 0] != NO_CLASS)

    @property
    def unreadable(self) -> int:
        """Images that were left out or counted as wrong."""
        return len(self.unreadable_places)

    @property
    def unreadable_places(self) -> list[int]:
        """Those of the same images in the set."""
        return [*self.left_out_M.tolist(), *self.indices_N[~self.read_N].tolist()]

    @property
    def labels_N(self) -> np.ndarray:
        """The first label of each image."""
        return np.asarray(self.labels_NL[:, 0])

    @property
    def nll(self) -> float:
        """Mean over the images that could be read."""
        return _mean_of_read(self.nll_N, self.read_N)

    @property
    def correct_N(self) -> np.ndarray:
        return hits(self.top5_NK, self.labels_NL, 1)

    def error(self, top: int) -> float:
        """Percent of the images without a label among the `top` likeliest classes."""
        return _error(hits(self.top5_NK, self.labels_NL, top))

    @property
    def figures(self) -> Figures:
        return Figures(self.error(1), self.error(TOP) if self.n_classes > TOP else None, self.nll)

    @property
    def subsets(self) -> list[Figures]:
        """Of each subset of an ensemble's members."""
        return [self._of_subset(number) for number in range(self.hits_NST.shape[1])]

    def _of_subset(self, number: int) -> Figures:
        first, five = (_error(self.hits_NST[:, number, top]) for top in range(2))
        nll = _mean_of_read(self.nll_NS[:, number], self.read_N)
        return Figures(first, five if self.n_classes > TOP else None, nll)

    def metrics(self) -> dict[str, Any]:
        """As the records of runs name them."""
        found = self.figures
        errors = {"top1_error": found.top1_error, "top5_error": found.top5_error}
        return {"n_images": self.n_images, "unreadable": self.unreadable, **errors, "nll": found.nll}


ARRAYS = tuple(field.name for field in fields(Evaluation) if field.name != "n_classes")


def hits(top5_NK: np.ndarray, labels_NL: np.ndarray, top: int) -> np.ndarray:
    """Whether a label of each image is among its `top` likeliest classes."""
    same_NKL = top5_NK[:, :top, None] == labels_NL[:, None, :]
    return np.asarray((same_NKL & (labels_NL >= 0)[:, None, :]).any(axis=(1, 2)))


def concatenate(parts: Sequence[Evaluation]) -> Evaluation:
    """The evaluation of the images of `parts`, at least one, in their order."""

    def join(name: str) -> Any:  # noqa: ANN401  an array, or None for one that is not kept
        arrays = [getattr(part, name) for part in parts]
        return None if arrays[0] is None else np.concatenate(arrays)

    return Evaluation(n_classes=parts[0].n_classes, **{name: join(name) for name in ARRAYS})


def _error(hit_N: np.ndarray) -> float:
    return 100.0 * (len(hit_N) - int(hit_N.sum())) / len(hit_N)


def _mean_of_read(nll_N: np.ndarray, read_N: np.ndarray) -> float:
    """Summed in the order of the set: the same bits however the images were divided."""
    return float(nll_N[read_N].sum() / max(1, int(read_N.sum())))
