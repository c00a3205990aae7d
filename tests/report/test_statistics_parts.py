"""Summaries, the variance between seeds, corrections, power, and whether a run has learned."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special
from scipy import stats as oracle

from inceptionctl.report.statistics.learning import better_than_chance, loss_fall, on_plateau
from inceptionctl.report.statistics.multiple import holm
from inceptionctl.report.statistics.power import detectable, predicted
from inceptionctl.report.statistics.seeds_only import paired_t, ranks, welch
from inceptionctl.report.statistics.summary import summary
from inceptionctl.report.statistics.variance import seed_effect, seed_variance


def test_a_summary_is_students_interval_of_the_log_odds():
    """By the delta method: the standard error of the mean, over m (1 - m)."""
    values = [20.4, 15.6, 27.3]
    got = summary(values)
    assert (got.mean, got.n) == (pytest.approx(21.1), 3)
    assert got.sd == pytest.approx(np.sqrt((0.7**2 + 5.5**2 + 6.2**2) / 2))
    reach = oracle.t.ppf(0.975, 2) * got.sd / np.sqrt(3) / 100 / (0.211 * 0.789)
    expected = 100 * special.expit(special.logit(0.211) + np.array([-reach, reach]))
    assert (got.low, got.high) == (pytest.approx(expected[0]), pytest.approx(expected[1]))


@pytest.mark.parametrize("values", [[49.0, 90.4], [0.0, 100.0], [0.0, 0.1], [99.0, 100.0]])
def test_no_interval_leaves_0_to_100_percent(values):
    got = summary(values)
    assert 0 <= got.low < got.mean < got.high <= 100


def test_a_narrow_interval_is_students():
    values = [20.0, 20.1, 20.2]
    got, expected = summary(values), oracle.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (got.low, got.high) == (pytest.approx(expected.low, abs=0.002), pytest.approx(expected.high, abs=0.002))


def test_an_interval_of_steps_stays_above_0():
    got = summary([100.0, 900.0], "positive")
    assert 0 < got.low < 500 < got.high


def test_seeds_that_agree_have_an_interval_of_no_width():
    got = summary([0.0, 0.0])
    assert (got.low, got.high, got.sd) == (0.0, 0.0, 0.0)


def test_one_seed_has_neither_sd_nor_interval():
    got = summary([12.5])
    assert (got.mean, got.n, got.sd, got.low, got.high) == (12.5, 1, None, None, None)


def test_the_variance_is_pooled_by_degrees_of_freedom():
    got = seed_variance([[1.0, 3.0], [1.0, 2.0, 3.0], [9.0]])
    assert (got.sd, got.df, got.rows) == (pytest.approx(np.sqrt((1 * 2 + 2 * 1) / 3)), 3, 2)
    assert seed_variance([[9.0]]) is None


def test_levene_is_scipys_and_decides():
    alike = [[20.0, 21.0, 22.5, 20.5], [10.0, 11.5, 10.5, 12.0]]
    unlike = [[20.0, 40.0, 60.0, 10.0], [10.0, 10.1, 10.2, 10.1]]
    for rows in (alike, unlike):
        got = seed_variance(rows)
        assert got.levene_p == pytest.approx(oracle.levene(*rows, center="mean").pvalue)
        assert got.pooled is (got.levene_p >= 0.2)
    assert seed_variance(alike).pooled
    assert not seed_variance(unlike).pooled


def test_the_effect_of_equal_seeds_is_the_f_test_of_blocks():
    """Two-way analysis of variance, by least squares with and without the seeds."""
    table = np.array([[20.4, 15.6, 27.3], [17.3, 13.7, 16.1], [11.0, 10.2, 12.9], [9.0, 8.0, 12.0]])
    rows, seeds = (np.repeat(np.eye(4), 3, axis=0), np.tile(np.eye(3), (4, 1)))
    rest, without = (
        np.sum((table.ravel() - x @ np.linalg.lstsq(x, table.ravel(), rcond=None)[0]) ** 2)
        for x in (np.hstack([rows, seeds]), rows)
    )
    got = seed_effect(table)
    assert got.p == pytest.approx(oracle.f.sf((without - rest) / 2 / (rest / 6), 2, 6))
    common, rest = (without - rest) / 2, rest / 6
    assert got.share == pytest.approx((common - rest) / 4 / ((common - rest) / 4 + rest))


def test_seeds_without_a_common_effect_share_nothing():
    assert seed_effect([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]).share == 0
    assert seed_effect([[1.0, 2.0]]) is None


def test_levene_says_nothing_of_two_seeds():
    assert seed_variance([[1.0, 9.0], [1.0, 1.1]]).levene_p is None
    assert seed_variance([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]).levene_p is None


def test_tests_by_seeds_alone_are_scipys():
    before, after = [20.4, 15.6, 27.3], [17.3, 13.7, 16.1, 15.2]
    assert welch(before, after) == pytest.approx(oracle.ttest_ind(before, after, equal_var=False).pvalue)
    assert paired_t(before, after[:3]) == pytest.approx(oracle.ttest_rel(before, after[:3]).pvalue)


@pytest.mark.parametrize(("before", "after"), [([5.0], [4.0, 4.5]), ([5.0, 5.0], [4.0, 4.0])])
def test_welch_says_nothing_without_spread(before, after):
    assert welch(before, after) is None


def test_runs_that_never_reach_an_error_rank_last():
    """Of 70 ways to choose 4 of 8, two are as extreme."""
    assert ranks([None, None, None, None], [100.0, 120.0, 130.0, 110.0]) == pytest.approx(2 / 70)
    assert ranks([None, None], [None, None]) == 1.0
    assert ranks([None], [100.0, 120.0]) is None


def test_holm_worked_by_hand_keeps_order_and_never_falls():
    assert holm([0.01, 0.04, None, 0.03, 0.005]) == pytest.approx([0.03, 0.06, None, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]


@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_detectable_rung_is_found_four_times_in_five(n):
    sd, shift = 1.5, predicted(1.5, n)
    generator = np.random.default_rng(0)
    before = generator.normal(0, sd, (20_000, n))
    after = generator.normal(shift, sd, (20_000, n))
    assert (oracle.ttest_ind(before, after, axis=1).pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.01)


def test_pooling_over_more_rows_detects_less():
    assert predicted(0.7, 3, rows=5) == pytest.approx(detectable(0.7 * np.sqrt(2 / 3), 10))
    assert predicted(0.7, 3, rows=5) < predicted(0.7, 3)


def test_one_seed_detects_nothing():
    assert predicted(1.0, 1) is None


def test_guessing_is_told_by_the_binomial_of_the_groups():
    groups = np.full(40, 5.0)
    assert better_than_chance(70.0, 90.0, groups) == pytest.approx(oracle.binom.cdf(28, 40, 0.9))
    assert better_than_chance(49.75, 99.5, np.ones(10_000)) < 1e-9  # Tiny-ImageNet at 49.75 % has learned
    assert better_than_chance(90.0, 90.0, np.ones(10_000)) > 0.5


EPOCH = np.arange(1, 41) / 5


@pytest.mark.parametrize(
    ("loss", "plateau"),
    [
        (0.2 + 2 * np.exp(-2 * EPOCH), True),
        (2.3 - 0.2 * EPOCH, False),
        (0.2 + 2 * np.exp(-2 * EPOCH) + 0.4 * np.maximum(0, EPOCH - 6.4), False),
        (np.full(40, 2.3), False),
    ],
    ids=["plateau", "still falling", "rising again", "never learned"],
)
def test_plateau(loss, plateau):
    assert on_plateau(EPOCH, loss) is plateau


def test_a_run_without_rows_is_not_on_a_plateau_and_its_loss_has_not_fallen():
    assert on_plateau(np.array([]), np.array([])) is False
    assert loss_fall(np.array([]), np.array([])) is None


def test_the_loss_falls_to_the_mean_of_its_last_fifth():
    assert loss_fall(EPOCH, np.where(EPOCH > 6.4, 0.5, 2.0)) == pytest.approx(0.75)
