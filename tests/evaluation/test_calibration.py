"""Calibration against values worked out by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from inceptionctl.evaluation.calibration import (
    BINS,
    CHUNK,
    brier_score,
    expected_calibration_error,
    overconfidence,
    reliability,
)


@pytest.mark.parametrize(
    ("confidence", "correct", "percent"),
    [
        ([1.0, 1.0], [True, True], 0.0),
        ([1.0, 1.0], [True, False], 50.0),
        ([0.75, 0.75, 0.75, 0.75], [True, True, True, False], 0.0),  # one bin: 3 of 4 are right
        ([0.9, 0.3], [True, True], 40.0),  # two bins: (0.1 + 0.7) / 2
        ([0.9, 0.3], [False, True], 80.0),  # (0.9 + 0.7) / 2: gaps of different bins do not cancel
        ([0.0], [False], 0.0),
    ],
)
def test_gaps_are_weighed_by_the_images_of_their_bins(confidence, correct, percent):
    found = expected_calibration_error(np.array(confidence, np.float32), np.array(correct))
    assert found == pytest.approx(percent, abs=1e-4)


def sure_and_right(n=5000, seed=0):
    generator = np.random.default_rng(seed)
    confidence = generator.random(n).astype(np.float32)
    return confidence, generator.random(n) < confidence


def test_bins_are_scikit_learns():
    from sklearn.calibration import calibration_curve

    confidence, correct = sure_and_right()
    bins = reliability(confidence, correct, np.arange(len(correct)))
    accuracy, mean = calibration_curve(correct, confidence, n_bins=BINS)
    assert [one.accuracy.percent / 100 for one in bins] == pytest.approx(accuracy)
    assert [one.confidence / 100 for one in bins] == pytest.approx(mean, abs=1e-6)
    gaps = [one.accuracy.n_images * abs(one.accuracy.percent - one.confidence) for one in bins]
    assert expected_calibration_error(confidence, correct) == pytest.approx(sum(gaps) / len(correct))


def test_only_bins_with_images_are_listed():
    bins = reliability(np.array([0.05, 1.0, 0.99], np.float32), np.array([False, True, True]), np.arange(3))
    assert [(one.lower, one.upper, one.accuracy.n_images) for one in bins] == [
        (0, pytest.approx(100 / 15), 1), (pytest.approx(1400 / 15), 100, 2)
    ]  # fmt: skip


def test_overconfidence_has_a_sign():
    assert overconfidence(np.array([0.9, 0.7], np.float32), np.array([True, False])) == pytest.approx(30)
    assert overconfidence(np.array([0.5, 0.5], np.float32), np.array([True, True])) == pytest.approx(-50)


def test_the_brier_score_is_scikit_learns_of_more_images_than_a_chunk():
    from sklearn.metrics import brier_score_loss

    generator = np.random.default_rng(0)
    p = generator.dirichlet(np.full(5, 0.3), CHUNK + 100)
    label = generator.integers(0, 5, len(p))
    expected = brier_score_loss(label, p, labels=range(5), scale_by_half=False)
    assert brier_score(p, label) == pytest.approx(expected)
    assert brier_score(p.astype(np.float16), label) == pytest.approx(expected, rel=1e-3)
