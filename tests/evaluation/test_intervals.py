"""Intervals of errors against SciPy, and their coverage by simulation where images share a source."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from inceptionctl.evaluation.intervals import share, wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 20), (7, 100), (50, 100), (99, 100), (11000, 50_000)])
def test_independent_images_have_scipys_wilson_interval(hits, n):
    found = share(np.arange(n) < hits, np.arange(n))
    expected = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert (found.low / 100, found.high / 100) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert found.percent == pytest.approx(100 * hits / n)
    assert (found.n_images, found.n_groups, found.design_effect) == (n, n, 1.0)


def test_copies_of_images_tell_nothing_new():
    """Ten equal copies of each image: the interval of the images alone, but for their degrees of freedom."""
    wrong, group = np.arange(60) < 12, np.arange(60)
    copies = share(np.tile(wrong, 10), np.tile(group, 10))
    alone = share(wrong, group)
    assert copies.design_effect == pytest.approx(10, rel=0.02)
    assert (copies.low, copies.high) == pytest.approx((alone.low, alone.high), abs=0.6)


@pytest.mark.parametrize("wrong", [np.zeros(50, bool), np.ones(50, bool)])
def test_where_all_images_agree_each_source_counts_once(wrong):
    found = share(wrong, np.arange(50) // 10)
    assert found.design_effect == 10
    assert found.high - found.low > 40


def test_one_source_alone_is_one_observation():
    found = share(np.array([True, False, True]), np.zeros(3, int))
    low, high = wilson(2 / 3, 1)
    assert (found.low, found.high) == pytest.approx((100 * low, 100 * high))


@pytest.mark.parametrize("between", [0.3, 3.0])
def test_intervals_hold_the_truth_in_95_of_100_where_images_share_a_source(between):
    """40 sources with 10 images each, whose own error rates follow a beta distribution of mean 0.2."""
    generator, inside = np.random.default_rng(7), 0
    group = np.repeat(np.arange(40), 10)
    for _ in range(1000):
        rates = generator.beta(0.2 * between, 0.8 * between, 40)
        found = share(generator.random(400) < rates[group], group)
        inside += found.low <= 20 <= found.high
    assert 930 <= inside <= 985
