"""Accuracy against coverage: what is right among the images that a network is surest of. No torch.

A network that may abstain keeps the images whose confidence reaches a threshold; coverage is their share, risk the
error among them (El-Yaniv and Wiener 2010, "On the foundations of noise-free selective classification", JMLR 11).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TARGETS = (90.0, 95.0, 99.0)  # accuracies in percent


@dataclass(frozen=True, kw_only=True)
class CoverageAt:
    """The most images, in percent, that can be kept at an accuracy of at least `accuracy` percent, and the confidence
    in percent from which on they are kept. Both are 0 and None if no threshold reaches it. The threshold is chosen on
    the images that it is measured on, so that others may fall short of it."""

    accuracy: float
    coverage: float
    threshold: float | None


@dataclass(frozen=True)
class CoverageCurve:
    """At each threshold T, from the highest: coverage and accuracy of the kept images, and the threshold, in percent.
    `risk_area`: mean error over all coverages, in percent (AURC: Geifman et al. 2019, "Bias-reduced uncertainty
    estimation for deep neural classifiers")."""

    coverage_T: np.ndarray
    accuracy_T: np.ndarray
    threshold_T: np.ndarray
    risk_area: float

    def at(self, accuracy: float) -> CoverageAt:
        reached = np.flatnonzero(self.accuracy_T >= accuracy)
        if not len(reached):
            return CoverageAt(accuracy=accuracy, coverage=0.0, threshold=None)
        last = int(reached[-1])
        return CoverageAt(
            accuracy=accuracy, coverage=float(self.coverage_T[last]), threshold=float(self.threshold_T[last])
        )


def coverage_curve(confidence_N: np.ndarray, correct_N: np.ndarray) -> CoverageCurve:
    """Images of equal confidence are kept together; the area takes them in an order left to chance."""
    n = len(confidence_N)
    negative_T, index_N, size_T = np.unique(-confidence_N, return_inverse=True, return_counts=True)
    right_T = np.bincount(index_N, weights=correct_N, minlength=len(size_T))
    kept_T = size_T.cumsum()
    wrong_N = np.repeat(1 - right_T / size_T, size_T)  # of equal confidence: each as wrong as they are on average
    risk_N = wrong_N.cumsum() / np.arange(1, n + 1)
    return CoverageCurve(
        coverage_T=100 * kept_T / n,
        accuracy_T=100 * right_T.cumsum() / kept_T,
        threshold_T=-100.0 * negative_T.astype(np.float64),
        risk_area=float(100 * risk_N.mean()),
    )
