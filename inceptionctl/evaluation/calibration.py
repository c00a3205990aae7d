"""How far the confidence of a network is from its accuracy: what label smoothing is said to change. No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inceptionctl.evaluation.intervals import Share, share

BINS = 15  # of equal width, as in Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4
CHUNK = 4096  # images whose probabilities are made float64 at a time


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """Images whose confidence lies in a bin, in percent: its bounds, the mean confidence and the accuracy."""

    lower: float
    upper: float
    confidence: float
    accuracy: Share


def expected_calibration_error(confidence_N: np.ndarray, correct_N: np.ndarray) -> float:
    """The mean over images of |accuracy - mean confidence| of an image's bin, in percent. `confidence_N`: probability
    of the likeliest class."""
    gaps = np.bincount(_bin(confidence_N), weights=confidence_N.astype(np.float64) - correct_N)
    return float(100 * np.abs(gaps).sum() / len(confidence_N))


def reliability(confidence_N: np.ndarray, correct_N: np.ndarray, group_N: np.ndarray) -> list[ReliabilityBin]:
    """The bins that have images, from low to high: those of the expected calibration error."""
    bins, bin_N = [], _bin(confidence_N)
    for index in np.unique(bin_N).tolist():
        chosen = bin_N == index
        mean = float(confidence_N[chosen].astype(np.float64).mean())
        accuracy = share(correct_N[chosen], group_N[chosen])
        lower, upper = 100 * index / BINS, 100 * (index + 1) / BINS
        bins.append(ReliabilityBin(lower=lower, upper=upper, confidence=100 * mean, accuracy=accuracy))
    return bins


def overconfidence(confidence_N: np.ndarray, correct_N: np.ndarray) -> float:
    """Mean confidence less accuracy, in points: positive for a network that is surer than it is right."""
    return float(100 * (confidence_N.astype(np.float64).mean() - correct_N.mean()))


def brier_score(p_NK: np.ndarray, label_N: np.ndarray) -> float:
    """The mean over images of the summed squared error of all probabilities, from 0 to 2 (Brier 1950)."""
    total = 0.0
    for start in range(0, len(p_NK), CHUNK):
        p = p_NK[start : start + CHUNK].astype(np.float64)
        p_true = p[np.arange(len(p)), label_N[start : start + CHUNK]]
        total += float((p**2).sum() - 2 * p_true.sum() + len(p))
    return total / len(p_NK)


def _bin(confidence_N: np.ndarray) -> np.ndarray:
    return np.asarray(np.minimum((confidence_N * BINS).astype(int), BINS - 1))
