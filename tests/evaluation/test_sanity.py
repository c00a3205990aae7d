"""Warnings of evaluations whose labels do not fit, and none for networks that are honestly good or poor."""

from __future__ import annotations

import numpy as np
import pytest

from inceptionctl.evaluation.renaming import find_renaming
from inceptionctl.evaluation.sanity import warnings

CASES = [(2, 40), (2, 2000), (3, 300), (10, 100), (10, 3600), (100, 1000), (1000, 2000)]  # (classes, images)


def names(n_classes):
    return [f"class {k}" for k in range(n_classes)]


def network(generator, n_classes, n, accuracy, concentration=0.1, per_group=1):
    """Labels and predictions of a network that confuses each class with a few others; `accuracy` beside chance. Images
    of one source have the same label, and mostly the same prediction."""
    groups = -(-n // per_group)
    label = generator.integers(0, n_classes, groups)
    confused = generator.dirichlet(np.full(min(n_classes, 50), concentration), n_classes)
    others = generator.integers(0, n_classes, (n_classes, confused.shape[1]))
    drawn = (confused[label].cumsum(axis=1) > generator.random((groups, 1))).argmax(axis=1)
    predicted = np.where(generator.random(groups) < accuracy, label, others[label, drawn])
    group = np.repeat(np.arange(groups), per_group)[:n]
    return label[group], predicted[group], group


@pytest.mark.parametrize(("n_classes", "n"), CASES)
@pytest.mark.parametrize("accuracy", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("per_group", [1, 10])
def test_honest_networks_get_no_warning_with_noise(n_classes, n, accuracy, per_group):
    """Predictions that are wrong are independent of the label: chance, and better than chance."""
    for seed in range(20):
        generator = np.random.default_rng(seed)
        label, _, group = network(generator, n_classes, n, 1.0, per_group=per_group)
        favourites = generator.dirichlet(np.full(n_classes, 0.3))  # of a network that prefers some classes
        by_group = generator.choice(n_classes, group.max() + 1, p=favourites)
        right = generator.random(group.max() + 1) < accuracy
        predicted = np.where(right[group], label, by_group[group])
        if len(np.unique(predicted)) > 1:
            assert warnings(label, predicted, group, names(n_classes), np.full(n, 0.4, np.float32)) == []


@pytest.mark.parametrize(("n_classes", "n"), [case for case in CASES if case[0] > 3])
@pytest.mark.parametrize(("accuracy", "concentration"), [(0.25, 1.0), (0.5, 0.1), (0.9, 0.1)])
def test_honest_networks_get_no_warning_with_systematic_confusions(n_classes, n, accuracy, concentration):
    """Some classes may be taken for one other more often than for themselves, but not all, one to one."""
    for seed in range(20):
        label, predicted, group = network(np.random.default_rng(seed), n_classes, n, accuracy, concentration)
        assert find_renaming(label, predicted, group, n_classes) is None


def test_a_network_that_only_knows_two_shapes_gets_no_warning():
    """Of ten classes it predicts two, each for a half of the classes."""
    generator = np.random.default_rng(0)
    label = generator.integers(0, 10, 360)
    round_ones = np.isin(label, [0, 3, 5, 6, 8]) ^ (generator.random(360) < 0.1)
    predicted = np.where(round_ones, 8, 1)
    assert warnings(label, predicted, np.arange(360), names(10), np.full(360, 0.2, np.float32)) == []


@pytest.mark.parametrize(("n_classes", "n"), [(2, 60), (10, 100), (10, 3600), (100, 2000), (1000, 10_000)])
def test_permuted_labels_are_found(n_classes, n):
    generator = np.random.default_rng(1)
    label, predicted, group = network(generator, n_classes, n, 0.8)
    order = np.roll(np.arange(n_classes), n_classes // 2)
    (message,) = warnings(order[label], predicted, group, names(n_classes))
    assert message.startswith(f"the labels look permuted: with {n_classes} classes renamed, ")
    assert find_renaming(order[label], predicted, group, n_classes).renamed == pytest.approx(
        100 * np.mean(label == predicted), abs=6
    )


def test_two_exchanged_classes_of_ten_are_found_and_named():
    generator = np.random.default_rng(2)
    label, predicted, group = network(generator, 10, 1000, 0.9)
    order = np.arange(10)
    order[[3, 7]] = 7, 3
    found = find_renaming(order[label], predicted, group, 10)
    assert found.pairs == ((3, 7), (7, 3))
    (message,) = warnings(order[label], predicted, group, names(10))
    assert "class 3 as class 7, class 7 as class 3" in message


@pytest.mark.parametrize(
    ("shift", "words"), [(1, "moved one class down (are they counted from 1?)"), (-1, "one class up")]
)
def test_labels_that_are_shifted_by_one_are_found_with_one_image_of_each_class(shift, words):
    generator = np.random.default_rng(3)
    true = generator.permutation(np.arange(1, 999))[:238]
    predicted = np.where(generator.random(238) < 0.8, true, generator.integers(0, 1000, 238))
    (message,) = warnings(true + shift, predicted, np.arange(238), names(1000))
    assert message.startswith("the labels look shifted by one")
    assert words in message


def test_labels_of_another_order_with_one_image_each_show_by_the_confidence():
    generator = np.random.default_rng(4)
    true = generator.permutation(1000)[:100]
    (message,) = warnings(generator.permutation(1000)[true], true, np.arange(100), names(1000), np.full(100, 0.8))
    assert message.startswith("the network is sure (mean confidence 80 %) but right in 0.00 %")


def test_fewer_right_than_guessing_gives_is_named():
    """Every class is taken for any but itself: no renaming explains it."""
    generator = np.random.default_rng(5)
    label = generator.integers(0, 5, 400)
    (message,) = warnings(label, (label + generator.integers(1, 5, 400)) % 5, np.arange(400), names(5))
    assert message.startswith("0.00 % of the images are right, fewer than guessing gives (19.96 %)")


def test_one_class_for_everything_is_named():
    label = np.arange(100) % 4
    (message,) = warnings(label, np.full(100, 2), np.arange(100), ["a", "b", "ape", "d"], np.full(100, 0.9))
    assert message.startswith("all 100 images are taken for one class, ape: ")
    assert warnings(np.full(100, 2), np.full(100, 2), np.arange(100), names(4)) == []


def test_a_collapsed_network_on_a_rare_class_is_no_permutation():
    label = np.where(np.arange(500) < 480, 1, 0)
    assert find_renaming(label, np.zeros(500, int), np.arange(500), 2) is None


def test_equal_probabilities_are_named():
    (message,) = warnings(np.arange(50) % 5, np.zeros(50, int), np.arange(50), names(5), np.full(50, 0.2, np.float32))
    assert message.startswith("every class of every image has the same probability, 1/5: ")


def test_a_handful_of_images_says_nothing():
    assert warnings(np.array([0, 1, 2]), np.array([1, 2, 0]), np.arange(3), names(3)) == []
