"""Confusion matrices against scikit-learn's, the order of pairs, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from inceptionctl.evaluation.confusion import class_accuracies, confused_pairs, confusion, most_confused_classes


def random_case(n=400, n_classes=7, seed=0):
    generator = np.random.default_rng(seed)
    label = generator.integers(0, n_classes, n)
    return label, np.where(generator.random(n) < 0.5, label, generator.integers(0, n_classes, n))


def test_the_matrix_is_scikit_learns():
    label, predicted = random_case()
    found = confusion(label, predicted, 7)
    np.testing.assert_array_equal(found.matrix(np.arange(7)), confusion_matrix(label, predicted, labels=range(7)))
    np.testing.assert_array_equal(found.images_K, np.bincount(label, minlength=7))


def test_a_block_of_some_classes_in_another_order_is_that_of_the_whole():
    label, predicted = random_case()
    chosen = np.array([5, 0, 3])
    expected = confusion_matrix(label, predicted, labels=range(7))[np.ix_(chosen, chosen)]
    np.testing.assert_array_equal(confusion(label, predicted, 7).matrix(chosen), expected)


def test_images_without_a_prediction_or_with_several_classes_are_left_out_and_counted():
    label, predicted = random_case()
    unread, several = np.arange(400) < 30, (np.arange(400) >= 20) & (np.arange(400) < 50)
    found = confusion(label, np.where(unread, -1, predicted), 7, several)
    assert (found.unreadable, found.several) == (20, 30)
    assert found.count_P.sum() == 400 - 50


def test_pairs_have_the_most_images_first_then_the_larger_share_then_the_lower_index():
    label = np.repeat([0, 1, 2, 3], [10, 10, 5, 10])
    predicted = np.array([1] * 3 + [0] * 7 + [0] * 5 + [1] * 5 + [3] * 3 + [2] * 2 + [1] * 3 + [3] * 7)
    pairs = confused_pairs(confusion(label, predicted, 4))
    assert [(pair.truth, pair.predicted, pair.images, pair.percent, pair.reverse) for pair in pairs] == [
        (1, 0, 5, 50.0, 3), (2, 3, 3, 60.0, 0), (0, 1, 3, 30.0, 5), (3, 1, 3, 30.0, 0)
    ]  # fmt: skip
    assert most_confused_classes(pairs, 4) == [1, 0, 2, 3]
    assert most_confused_classes(pairs, 3) == [1, 0]


def test_accuracy_of_each_class_counts_unreadable_images_as_wrong():
    label, predicted = np.array([0, 0, 0, 2, 2]), np.array([0, 1, -1, 2, 2])
    pairs = confused_pairs(confusion(label, predicted, 3))
    found = class_accuracies(label, label == predicted, np.arange(5), pairs, np.zeros(5, bool))
    assert [(one.index, one.accuracy.percent, one.accuracy.n_images) for one in found] == [
        (0, pytest.approx(100 / 3), 3), (2, 100.0, 2)
    ]  # fmt: skip
    assert [(one.confused_with, one.confused) for one in found] == [(1, 1), (None, 0)]


def test_thousands_of_classes_take_no_matrix():
    label, predicted = random_case(n=2000, n_classes=100_000)
    assert confusion(label, predicted, 100_000).count_P.sum() == 2000
