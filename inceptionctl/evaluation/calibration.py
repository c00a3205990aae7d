"""How far the confidence of a network is from its accuracy."""

from __future__ import annotations

import numpy as np

BINS = 15  # of equal width, as in Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4


def expected_calibration_error(confidence_N: np.ndarray, correct_N: np.ndarray) -> float:
    """The mean over images of |accuracy - mean confidence| of an image's bin, in percent. `confidence_N`: probability
    of the likeliest class."""
    bin_N = np.minimum((confidence_N * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bin_N, weights=confidence_N.astype(np.float64) - correct_N)
    return float(100 * np.abs(gaps).sum() / len(confidence_N))
