"""Differences of two evaluations on the same images, against SciPy and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from inceptionctl.evaluation.paired import paired_difference


def test_the_p_value_is_mcnemars_exact_one():
    first, second = np.zeros(100, bool), np.zeros(100, bool)
    first[:60], second[:50], second[60:85] = True, True, True  # 10 right only first, 25 only second
    found = paired_difference(first, second, np.arange(100))
    assert (found.only_first, found.only_second) == (10, 25)
    assert found.change == pytest.approx(-15)
    assert found.p == pytest.approx(stats.binomtest(10, 35).pvalue)
    assert found.low < -15 < found.high < 0


def test_evaluations_that_agree_on_every_image_differ_by_nothing():
    right = np.arange(50) < 40
    found = paired_difference(right, right, np.arange(50))
    assert (found.change, found.p) == (0, 1)
    assert found.low == pytest.approx(-found.high)
    assert found.low < 0


def test_the_other_way_round_is_the_opposite():
    generator = np.random.default_rng(0)
    first, second = generator.random(300) < 0.7, generator.random(300) < 0.8
    one, other = (paired_difference(a, b, np.arange(300)) for a, b in ((first, second), (second, first)))
    assert (one.change, one.low, one.high) == pytest.approx((-other.change, -other.high, -other.low))
    assert one.p == other.p


@pytest.mark.parametrize(("each", "n_sources"), [(1, 400), (10, 60)])
def test_intervals_hold_the_truth_in_95_of_100(each, n_sources):
    """Both networks find the same sources hard; errors of a source's images are alike."""
    generator, inside, false_alarms = np.random.default_rng(1), 0, 0
    for _ in range(600):
        hard = generator.beta(0.5, 1.5, n_sources)
        own = [np.clip(hard + generator.normal(0, 0.1, n_sources), 0, 1) for _ in range(2)]
        right = [generator.random(n_sources * each) >= np.repeat(rate, each) for rate in own]
        found = paired_difference(*right, np.repeat(np.arange(n_sources), each))
        inside += found.low <= 0 <= found.high
        false_alarms += found.p < 0.05
    assert 0.93 <= inside / 600 <= 0.985
    assert false_alarms / 600 <= 0.065
