"""Equivalence, the split of the spread, the prediction for a paper's cell, looks, and contributions over orders."""

from __future__ import annotations

import itertools
from statistics import fmean

import numpy as np
import pytest
from scipy import stats as oracle

from inceptionctl.report.statistics.change import Side, difference
from inceptionctl.report.statistics.equivalence import equivalence
from inceptionctl.report.statistics.prediction import against_paper, last_digit, sampling
from inceptionctl.report.statistics.sequential import look_at, nominal_confidence, planned
from inceptionctl.report.statistics.shapley import weights
from inceptionctl.report.statistics.split import split
from inceptionctl.report.statistics.variance import SeedVariance, seed_variance

BEFORE, AFTER = (20.4, 20.6, 20.3, 20.5), (20.5, 20.3, 20.6, 20.7)


def pooled(rows):
    return SeedVariance(**{**vars(seed_variance(rows)), "pooled": True})


def changed():
    return difference(Side(weight=-1, values=BEFORE), Side(weight=1, values=AFTER), None, pooled([BEFORE, AFTER]))


@pytest.mark.parametrize("margin", [0.1, 0.3, 1.0])
def test_equivalence_is_two_one_sided_t_tests(margin):
    below = oracle.ttest_ind(np.add(AFTER, margin), BEFORE, alternative="greater").pvalue
    above = oracle.ttest_ind(np.subtract(AFTER, margin), BEFORE, alternative="less").pvalue
    got = equivalence(changed(), margin)
    assert got.p == pytest.approx(max(below, above))
    assert got.holds is bool(got.p < 0.05)


def test_equivalence_holds_if_the_90_percent_interval_lies_within_the_margin():
    interval = oracle.ttest_ind(AFTER, BEFORE).confidence_interval(0.90)
    widest = max(abs(interval.low), abs(interval.high))
    assert equivalence(changed(), widest + 0.001).holds
    assert not equivalence(changed(), widest - 0.001).holds


def test_one_seed_is_never_equal():
    one = difference(
        Side(weight=-1, values=(20.0,)), Side(weight=1, values=(20.0, 20.1)), None, pooled([BEFORE, AFTER])
    )
    assert (equivalence(one, 100).p, equivalence(one, 100).holds) == (None, False)


def test_the_split_is_unbiased():
    """A world of four images and three networks, wrong where the matrix has 1. Over all ways to draw two networks and
    two images with replacement, the mean of the estimate is the variance of the networks' errors on all four images."""
    wrong = np.array([[1, 0, 0, 1], [0, 0, 1, 0], [1, 1, 1, 0]], dtype=float)
    estimates = [
        split(100 * drawn.mean(axis=1), drawn, np.ones(2)).networks_variance
        for networks in itertools.product(range(3), repeat=2)
        for images in itertools.product(range(4), repeat=2)
        for drawn in [wrong[np.ix_(networks, images)]]
    ]
    assert fmean(estimates) == pytest.approx(np.var(100 * wrong.mean(axis=1)))


def test_the_split_of_networks_that_err_independently_is_all_test_set():
    """Jordan's binomial: sqrt(p (1 - p) / N) with p = 10 % and 4,000 images is 0.47 points."""
    wrong = (np.random.default_rng(0).random((200, 4000)) < 0.1).astype(float)
    got = split(100 * wrong.mean(axis=1), wrong, np.ones(4000))
    assert got.test_set == pytest.approx(100 * np.sqrt(0.09 / 4000), rel=0.01)
    assert got.total == pytest.approx(got.test_set, rel=0.1)
    assert got.networks < 0.2
    assert got.advice.startswith("more images")


def test_networks_that_differ_need_steadier_training():
    generator = np.random.default_rng(0)
    rates = np.array([0.05, 0.10, 0.15, 0.20])[:, None]
    wrong = (generator.random((4, 4000)) < rates).astype(float)
    got = split(100 * wrong.mean(axis=1), wrong, np.ones(4000))
    assert got.networks == pytest.approx(100 * np.std(rates, ddof=1), rel=0.1)
    assert got.total**2 == pytest.approx(got.test_set**2 + got.networks**2)
    assert got.advice.startswith("steadier training")


def test_two_seeds_do_not_tell_and_one_has_no_spread():
    wrong = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    assert split([33.3, 66.7], wrong, np.ones(3)).advice.startswith("more seeds")
    assert split([33.3], wrong[:1], np.ones(3)) is None


def test_a_prediction_is_scipys_interval_for_one_more_run():
    """Without rounding and with the same images: Student's t test of one run against n, with the pooled variance."""
    got = against_paper(21.5, 4, (0.25, 3), 21.2, unit=0.0, images=(50_000, 50_000))
    reach = oracle.t.ppf(0.975, 3) * 0.5 * np.sqrt(1 + 1 / 4)
    assert (got.offset, got.reach) == (pytest.approx(0.3), pytest.approx(reach))
    assert got.text == "agrees"


def test_off_says_by_how_much():
    got = against_paper(21.83, 30, (0.01, 29), 21.2, unit=0.1, images=(50_000, 50_000))
    assert got.text == "off by +0.6 ± 0.2"


def test_rounding_and_other_images_widen_the_prediction():
    def reach(unit, theirs):
        return against_paper(21.5, 5, (0.01, 100), 21.2, unit=unit, images=(50_000, theirs)).reach

    assert reach(0.0, 50_000) < reach(0.1, 50_000) < reach(0.1, 48_238)
    assert reach(0.0, None) == reach(0.0, 50_000)


def test_seeds_that_agree_leave_the_rounding():
    got = against_paper(21.2, 3, (0.0, 2), 21.2, unit=0.1, images=(50_000, None))
    assert got.reach == pytest.approx(1.96 * 0.1 / np.sqrt(12), rel=1e-3)


def test_the_error_on_a_part_of_the_images_varies_as_a_sample_without_replacement():
    generator = np.random.default_rng(0)
    wrong = generator.random(2000) < 0.2
    parts = [100 * wrong[generator.permutation(2000)[:500]].mean() for _ in range(4000)]
    assert np.var(np.array(parts) - 100 * wrong.mean()) == pytest.approx(sampling(20.0, 2000, 500), rel=0.1)


@pytest.mark.parametrize(("printed", "unit"), [(21.2, 0.1), (4.82, 0.01), (29.0, 0.1), (26.296, 0.001)])
def test_the_last_printed_digit(printed, unit):
    assert last_digit(printed) == pytest.approx(unit)


@pytest.mark.parametrize(
    ("looks", "limits"), [(2, [2.963, 1.969]), (4, [4.333, 2.963, 2.359, 2.014])], ids=["two looks", "four looks"]
)
def test_looks_have_the_published_limits(looks, limits):
    """Of the O'Brien-Fleming type of Lan and DeMets at two-sided 5 %, as group sequential software prints them."""
    found = nominal_confidence([(number + 1) / looks for number in range(looks)])
    assert [oracle.norm.isf((1 - one) / 2) for one in found] == pytest.approx(limits, abs=0.002)


def test_all_looks_together_are_wrong_one_time_in_twenty():
    shares = np.array([0.2, 0.5, 0.7, 1.0])
    generator = np.random.default_rng(0)
    steps = generator.normal(0, np.sqrt(np.diff(shares, prepend=0)), (200_000, 4))
    z = np.abs(steps.cumsum(axis=1)) / np.sqrt(shares)
    limits = oracle.norm.isf((1 - np.array(nominal_confidence(shares))) / 2)
    assert (z > limits).any(axis=1).mean() == pytest.approx(0.05, abs=0.002)


def test_one_look_spends_everything():
    assert nominal_confidence([1.0]) == pytest.approx([0.95])


def test_looks_are_planned_after_whole_numbers_of_seeds():
    looks = planned(4, 12)
    assert [(one.number, one.of, one.seeds) for one in looks] == [(1, 4, 3), (2, 4, 6), (3, 4, 9), (4, 4, 12)]
    assert [one.seeds for one in planned(4, 3)] == [2, 3]  # one seed shows no spread
    assert [look_at(looks, seeds).seeds for seeds in (1, 3, 5, 6, 12, 20)] == [3, 3, 3, 6, 12, 12]


def test_contributions_of_two_switches_over_both_orders():
    found = weights([["a", "b"], ["b", "a"]])
    none, a, b, both = (frozenset(one) for one in ("", "a", "b", "ab"))
    assert found["a"] == {a: 0.5, none: -0.5, both: 0.5, b: -0.5}
    assert found["b"] == {b: 0.5, none: -0.5, both: 0.5, a: -0.5}


def test_contributions_add_up_to_the_whole_change():
    errors = {
        frozenset(one): error
        for one, error in {"": 9.0, "a": 7.0, "b": 8.5, "c": 9.5, "ab": 6.0, "ac": 7.5, "bc": 8.0, "abc": 5.0}.items()
    }
    found = weights([list(order) for order in itertools.permutations("abc")])
    means = {switch: sum(weight * errors[one] for one, weight in row.items()) for switch, row in found.items()}
    assert sum(means.values()) == pytest.approx(5.0 - 9.0)
    assert means["a"] == pytest.approx((2 * (7 - 9) + (6 - 8.5) + (7.5 - 9.5) + 2 * (5 - 8)) / 6)
