"""Differences of rows: against scipy where only seeds or only images vary, and against a crossed bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as oracle

from inceptionctl.report.statistics.change import Side, contrast, difference, paired_difference
from inceptionctl.report.statistics.images import wrong_by_group
from inceptionctl.report.statistics.variance import SeedVariance, seed_variance

SIZES = np.full(60, 5.0)


def counts(*rates: float, seed: int = 0) -> np.ndarray:
    """Wrong images per seed and group; one error rate for each seed."""
    generator = np.random.default_rng(seed)
    return np.stack([generator.binomial(SIZES.astype(int), rate) for rate in rates]).astype(float)


def side(counts_SG: np.ndarray, weight: float = 1.0, sizes: np.ndarray = SIZES) -> Side:
    values = 100 * counts_SG.sum(axis=1) / sizes.sum()
    return Side(weight=weight, values=tuple(values), counts_SG=counts_SG)


def change(before: np.ndarray, after: np.ndarray, variance: SeedVariance | None = None, sizes: np.ndarray = SIZES):
    return difference(side(before, -1, sizes), side(after, 1, sizes), sizes, variance)


def test_images_alone_give_the_ordinary_cluster_interval():
    """With one seed a row: Student's t over the sources' differences, as both rows saw the same images."""
    before, after = counts(0.2), counts(0.1, seed=1)
    got = change(before, after)
    expected = oracle.ttest_1samp(100 * (after[0] - before[0]) / 5, 0).confidence_interval(0.95)
    assert got.one_seed
    assert (got.low, got.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_without_variance_between_images_it_is_welchs_interval():
    """All images alike: only seeds vary, whose interval scipy computes."""
    before, after = (np.outer(rates, SIZES) for rates in ([0.20, 0.23, 0.29], [0.12, 0.13, 0.15]))
    got = change(before, after)
    expected = oracle.ttest_ind(side(after).values, side(before).values, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert (got.low, got.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert got.p == pytest.approx(expected.pvalue)


def test_pooled_over_both_rows_it_is_students_interval():
    before, after = [20.4, 15.6, 27.3], [17.3, 13.7, 16.1, 15.2]
    sides = Side(weight=-1, values=tuple(before)), Side(weight=1, values=tuple(after))
    variance = SeedVariance(**{**vars(seed_variance([before, after])), "pooled": True})
    got = difference(*sides, None, variance)
    expected = oracle.ttest_ind(after, before).confidence_interval(0.95)
    assert (got.low, got.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert (got.df, got.image_part) == (5, None)


def test_swapped_it_is_mirrored():
    before, after = counts(0.2, 0.3, 0.25), counts(0.1, 0.15, 0.12, seed=1)
    got, swapped = change(before, after), change(after, before)
    assert (swapped.change, swapped.low, swapped.high) == pytest.approx((-got.change, -got.high, -got.low))


def test_order_of_seeds_and_images_does_not_matter():
    before, after = counts(0.2, 0.3, 0.25), counts(0.1, 0.15, 0.12, seed=1)
    order = np.random.default_rng(3).permutation(len(SIZES))
    shuffled = change(before[[2, 0, 1]][:, order], after[[1, 0, 2]][:, order])
    got = change(before, after)
    assert (shuffled.low, shuffled.high, shuffled.df) == pytest.approx((got.low, got.high, got.df))


def test_copies_of_images_in_their_groups_do_not_narrow_the_interval():
    """Ten renderings of each image, all right or all wrong together, say no more than one."""
    before, after = (np.minimum(one, 1) for one in (counts(0.2, 0.3, 0.25), counts(0.1, 0.15, 0.12, seed=1)))
    single, copied = (change(n * before, n * after, sizes=np.full(60, float(n))) for n in (1, 10))
    assert (copied.low, copied.high) == pytest.approx((single.low, single.high))


def test_rows_without_errors_differ_by_0():
    got = change(np.zeros((3, 60)), np.zeros((3, 60)))
    assert (got.change, got.low, got.high, got.p) == (0.0, 0.0, 0.0, None)


def test_a_pair_of_the_same_runs_is_scipys_paired_interval_without_variance_of_images():
    first, second = (np.outer(rates, SIZES) for rates in ([0.20, 0.23, 0.29], [0.18, 0.22, 0.26]))
    got = paired_difference(side(first, -1), side(second), SIZES)
    expected = oracle.ttest_rel(side(second).values, side(first).values).confidence_interval(0.95)
    assert got.paired
    assert (got.low, got.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_runs_that_err_alike_under_two_protocols_differ_by_nothing():
    """Unpaired, the spread of the seeds would hide that every run errs on the same images."""
    same = counts(0.1, 0.3, 0.5)
    assert paired_difference(side(same, -1), side(same), SIZES).se == 0
    assert change(same, same).se > 5


def test_a_difference_of_differences_has_the_variances_of_four_rows():
    rows = [(20.0, 22.0, 21.0), (18.0, 17.0, 19.0), (15.0, 14.0, 13.0), (11.0, 12.0, 10.0)]
    variance = seed_variance(rows)
    got = contrast([Side(weight=w, values=v) for w, v in zip((1, -1, -1, 1), rows, strict=True)], None, variance)
    assert got.change == pytest.approx(21 - 18 - 14 + 11)
    assert got.se == pytest.approx(np.sqrt(variance.variance * 4 / 3))


def test_one_seed_against_many_is_said():
    assert change(counts(0.2), counts(0.1, 0.2)).one_seed


def test_wrong_by_group_adds_up_sources_in_any_order():
    group = np.array([7, 3, 7, 3, 3])
    wrong, sizes = wrong_by_group([np.array([True, False, False, True, False])], group)
    assert wrong.tolist() == [[2.0, 1.0]]
    assert sizes.tolist() == [3.0, 2.0]


def crossed_bootstrap(before: np.ndarray, after: np.ndarray, resamples: int = 4000) -> float:
    """Standard error of the change, by resampling the seeds of each row and the groups of both together. Deviations are
    widened by sqrt(n / (n - 1)), as drawing n of n seeds has only (n - 1) / n of their variance."""
    generator = np.random.default_rng(0)
    sides = []
    weights = generator.multinomial(len(SIZES), np.full(len(SIZES), 1 / len(SIZES)), size=resamples)
    for rows in (before, after):
        n = len(rows)
        widened = rows.mean(axis=0) + np.sqrt(n / (n - 1)) * (rows - rows.mean(axis=0))
        rates = 100 * (weights @ widened.T) / (weights @ SIZES)[:, None]
        sides.append((rates * generator.multinomial(n, np.full(n, 1 / n), size=resamples)).sum(axis=1) / n)
    return float((sides[1] - sides[0]).std(ddof=1))


def test_a_crossed_bootstrap_agrees_where_seeds_and_images_do_not_interact():
    """Half of the sources are hard for every seed, and each seed has a rate of its own: no interaction, which a crossed
    bootstrap would count three times (Owen 2007)."""
    hard = np.where(np.arange(60) < 30, 2.0, 1.0) * SIZES
    before, after = (np.outer(rates, hard) for rates in ([0.10, 0.20, 0.30, 0.25], [0.08, 0.12, 0.16, 0.10]))
    assert change(before, after).se == pytest.approx(crossed_bootstrap(before, after), rel=0.1)
