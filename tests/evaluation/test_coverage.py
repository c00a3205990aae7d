"""Accuracy against coverage, against values worked out by hand and against every order of equal confidences."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from inceptionctl.evaluation.coverage import coverage_curve


def by_hand(wrong):
    """The mean over k of the error among the first k images, in percent."""
    return 100 * np.mean([np.mean(wrong[: k + 1]) for k in range(len(wrong))])


def test_thresholds_go_from_the_surest_image_to_the_least_sure():
    curve = coverage_curve(np.array([0.2, 0.9, 0.6, 0.8], np.float32), np.array([False, True, False, True]))
    assert curve.coverage_T.tolist() == [25, 50, 75, 100]
    assert curve.accuracy_T.tolist() == pytest.approx([100, 100, 200 / 3, 50])
    assert curve.threshold_T.tolist() == pytest.approx([90, 80, 60, 20], abs=1e-5)
    assert curve.risk_area == pytest.approx(by_hand([0, 0, 1, 1]))


def test_equal_confidences_give_the_mean_over_all_their_orders():
    wrong, tied = [0, 1, 0, 1, 0], [1, 2, 3]
    orders = [[wrong[0], *(wrong[i] for i in order), wrong[4]] for order in permutations(tied)]
    curve = coverage_curve(np.array([0.9, 0.5, 0.5, 0.5, 0.1]), np.array(wrong) == 0)
    assert curve.risk_area == pytest.approx(np.mean([by_hand(order) for order in orders]))
    assert curve.coverage_T.tolist() == pytest.approx([20, 80, 100])


def test_the_most_images_at_an_accuracy_may_lie_behind_a_dip():
    """90 % is missed at the third image and reached again at the tenth."""
    correct = np.array([True, True, False, *[True] * 7, False])
    curve = coverage_curve(np.linspace(0.9, 0.1, 11), correct)
    assert curve.at(90.0).coverage == pytest.approx(100 * 10 / 11)
    assert curve.at(90.0).threshold == pytest.approx(18)
    assert curve.at(99.0).coverage == pytest.approx(100 * 2 / 11)


def test_an_accuracy_that_no_threshold_reaches_keeps_nothing():
    found = coverage_curve(np.array([0.9, 0.8]), np.array([False, True])).at(95.0)
    assert (found.coverage, found.threshold) == (0, None)


def test_the_area_does_not_depend_on_the_scale_of_confidences():
    generator = np.random.default_rng(0)
    confidence, correct = generator.random(200), generator.random(200) < 0.7
    assert coverage_curve(confidence, correct).risk_area == coverage_curve(confidence**3, correct).risk_area
