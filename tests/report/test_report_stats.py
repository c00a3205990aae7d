"""The statistics against scipy, against values worked out by hand, and in simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as oracle

from inceptionctl.report import statistics as stats

SIZES = np.full(60, 5.0)


def counts(*rates: float, seed: int = 0) -> np.ndarray:
    """Wrong images per seed and group; one error rate for each seed."""
    generator = np.random.default_rng(seed)
    return np.stack([generator.binomial(SIZES.astype(int), rate) for rate in rates]).astype(float)


def test_summary_is_students_interval():
    values = [20.4, 15.6, 27.3]
    got = stats.summary(values)
    expected = oracle.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (got.mean, got.n) == (pytest.approx(21.1), 3)
    assert got.sd == pytest.approx(np.sqrt((0.7**2 + 5.5**2 + 6.2**2) / 2))
    assert (got.low, got.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_one_seed_has_neither_sd_nor_interval():
    got = stats.summary([12.5])
    assert (got.mean, got.n, got.sd, got.low, got.high) == (12.5, 1, None, None, None)


def test_welch_is_scipys_over_seeds():
    before, after = [20.4, 15.6, 27.3], [17.3, 13.7, 16.1, 15.2]
    expected = oracle.ttest_ind(before, after, equal_var=False).pvalue
    assert stats.welch(stats.summary(before), stats.summary(after)) == pytest.approx(expected)


@pytest.mark.parametrize(("before", "after"), [([5.0], [4.0, 4.5]), ([5.0, 5.0], [4.0, 4.0])])
def test_welch_says_nothing_without_spread(before, after):
    assert stats.welch(stats.summary(before), stats.summary(after)) is None


def test_holm_worked_by_hand_keeps_order_and_never_falls():
    assert stats.holm([0.01, 0.04, None, 0.03, 0.005]) == pytest.approx([0.03, 0.06, None, 0.06, 0.02])
    assert stats.holm([0.6, 0.7]) == [1.0, 1.0]


def test_pooled_sd_weighs_by_degrees_of_freedom():
    rows = [stats.summary([1.0, 3.0]), stats.summary([1.0, 2.0, 3.0]), stats.summary([9.0])]
    assert stats.pooled_sd(rows) == pytest.approx(np.sqrt((1 * 2 + 2 * 1) / 3))
    assert stats.pooled_sd(rows[2:]) is None


@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_detectable_rung_is_found_four_times_in_five(n):
    sd, shift = 1.5, stats.detectable(1.5, n)
    generator = np.random.default_rng(0)
    before = generator.normal(0, sd, (20_000, n))
    after = generator.normal(shift, sd, (20_000, n))
    assert (oracle.ttest_ind(before, after, axis=1).pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.01)


def test_one_seed_detects_nothing():
    assert stats.detectable(1.0, 1) is None


def test_images_alone_give_the_ordinary_bootstrap():
    """With one seed a row, clusters resampled for both rows together: scipy's bootstrap of the same ratio."""
    before, after = counts(0.2), counts(0.1, seed=1)
    got = stats.difference(before, after, SIZES)
    expected = oracle.bootstrap(
        (100 * (after[0] - before[0]) / SIZES,), np.mean, n_resamples=10_000, rng=np.random.default_rng(1)
    )
    assert not got.seeds_resampled
    assert got.change == pytest.approx(100 * (after.sum() - before.sum()) / SIZES.sum())
    reach = oracle.t.ppf(0.975, len(SIZES) - 1) * expected.standard_error
    assert (got.high - got.low) / 2 == pytest.approx(reach, rel=0.03)


def test_without_variance_between_images_it_is_welchs_interval():
    """All images alike: only seeds vary, whose interval scipy computes."""
    before, after = (np.outer(rates, SIZES) for rates in ([0.20, 0.23, 0.29], [0.12, 0.13, 0.15]))
    got = stats.difference(before, after, SIZES)
    sides = [100 * side.sum(axis=1) / SIZES.sum() for side in (after, before)]
    expected = oracle.ttest_ind(*sides, equal_var=False).confidence_interval(0.95)
    assert got.change == pytest.approx((expected.low + expected.high) / 2)
    assert got.high - got.low == pytest.approx(expected.high - expected.low, rel=0.03)


def test_the_same_interval_every_time_and_mirrored_when_swapped():
    before, after = counts(0.2, 0.3, 0.25), counts(0.1, 0.15, 0.12, seed=1)
    got, swapped = stats.difference(before, after, SIZES), stats.difference(after, before, SIZES)
    assert got == stats.difference(before, after, SIZES)
    assert swapped.change == pytest.approx(-got.change)
    assert swapped.high - swapped.low == pytest.approx(got.high - got.low, rel=0.03)


def test_rows_without_errors_differ_by_0():
    got = stats.difference(np.zeros((3, 60)), np.zeros((3, 60)), SIZES)
    assert (got.change, got.low, got.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("seed_sd", "least", "most"), [(0.0, 0.94, 1.0), (0.3, 0.92, 0.99)])
def test_coverage_of_three_seeds(monkeypatch, seed_sd, least, most):
    """How often the interval contains 0 for two equal rows on 100 sources x 5 images, some harder than others.

    `seed_sd`: of the log odds between seeds; 400 trials have a standard error of 1.1 points at 95 %."""
    monkeypatch.setattr(stats, "RESAMPLES", 500)
    generator = np.random.default_rng(0)
    sizes = np.full(100, 5.0)

    def row(hardness: np.ndarray) -> np.ndarray:
        odds = np.exp(-2 + hardness + generator.normal(0, seed_sd, (3, 1)))
        return generator.binomial(5, odds / (1 + odds)).astype(float)

    covered = 0
    for _ in range(400):
        hardness = generator.normal(0, 1.5, 100)
        got = stats.difference(row(hardness), row(hardness), sizes)
        covered += got.low <= 0 <= got.high
    assert least <= covered / 400 <= most


def test_wrong_by_group_adds_up_sources_in_any_order():
    group = np.array([7, 3, 7, 3, 3])
    wrong, sizes = stats.wrong_by_group([np.array([True, False, False, True, False])], group)
    assert wrong.tolist() == [[2.0, 1.0]]
    assert sizes.tolist() == [3.0, 2.0]


EPOCH = np.arange(1, 41) / 5


@pytest.mark.parametrize(
    ("loss", "settled"),
    [
        (0.2 + 2 * np.exp(-2 * EPOCH), True),
        (2.3 - 0.2 * EPOCH, False),
        (0.2 + 2 * np.exp(-2 * EPOCH) + 0.4 * np.maximum(0, EPOCH - 6.4), False),
        (np.full(40, 2.3), False),
    ],
    ids=["at rest", "still falling", "rising again", "never learned"],
)
def test_plateau(loss, settled):
    assert stats.on_plateau(EPOCH, loss) is settled


def test_a_run_without_rows_is_not_on_a_plateau():
    assert stats.on_plateau(np.array([]), np.array([])) is False
