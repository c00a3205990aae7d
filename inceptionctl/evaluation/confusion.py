"""Which classes a network takes for which: counts of (class, predicted class); the accuracy of each class. No torch.

Left out are images that could not be read, which have no predicted class, and, of ReaL's labels, images for which
several classes are right, which have no one class. Counts are kept sparse: of thousands of classes most pairs have
none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inceptionctl.evaluation.intervals import Share, share


@dataclass(frozen=True)
class Confusion:
    """`truth_P`, `predicted_P`, `count_P`: the pairs that occur, by truth and then by prediction; `unreadable`,
    `several`: images left out, for the reasons above."""

    n_classes: int
    truth_P: np.ndarray
    predicted_P: np.ndarray
    count_P: np.ndarray
    unreadable: int
    several: int

    def matrix(self, classes: np.ndarray) -> np.ndarray:
        """The counts among `classes`, rows are truths and columns predictions."""
        place = np.full(self.n_classes, -1)
        place[classes] = np.arange(len(classes))
        kept = (place[self.truth_P] >= 0) & (place[self.predicted_P] >= 0)
        counts_KK = np.zeros((len(classes), len(classes)), np.int64)
        counts_KK[place[self.truth_P[kept]], place[self.predicted_P[kept]]] = self.count_P[kept]
        return counts_KK

    @property
    def images_K(self) -> np.ndarray:
        """Images of each class, without those left out."""
        return np.bincount(self.truth_P, weights=self.count_P, minlength=self.n_classes).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class ConfusedPair:
    """`images` of class `truth` that were taken for class `predicted`, and their `percent` of its images; `reverse`: as
    many the other way round."""

    truth: int
    predicted: int
    images: int
    percent: float
    reverse: int


@dataclass(frozen=True, kw_only=True)
class ClassAccuracy:
    """Of a class that has images; those that could not be read and count as wrong are among them. `confused_with`: the
    class that most of its wrong images were taken for, `confused` of them; None if there are none."""

    index: int
    accuracy: Share
    confused_with: int | None
    confused: int


def confusion(
    label_N: np.ndarray, predicted_N: np.ndarray, n_classes: int, several_N: np.ndarray | None = None
) -> Confusion:
    """`predicted_N`: -1 for an image that could not be read; `several_N`: whether an image has several classes."""
    several_N = np.zeros(len(label_N), bool) if several_N is None else several_N
    read_N = predicted_N >= 0
    kept_N = read_N & ~several_N
    pairs, count_P = np.unique(label_N[kept_N].astype(np.int64) * n_classes + predicted_N[kept_N], return_counts=True)
    truth_P, predicted_P = np.divmod(pairs, n_classes)
    return Confusion(n_classes, truth_P, predicted_P, count_P, int((~read_N & ~several_N).sum()), int(several_N.sum()))


def confused_pairs(found: Confusion) -> list[ConfusedPair]:
    """All pairs of different classes that occur, most images first, then by share of the class's images, then by
    index."""
    counts = dict(
        zip(zip(found.truth_P.tolist(), found.predicted_P.tolist(), strict=True), found.count_P.tolist(), strict=True)
    )
    images_K = found.images_K
    pairs = [
        ConfusedPair(
            truth=truth,
            predicted=predicted,
            images=images,
            percent=100 * images / int(images_K[truth]),
            reverse=counts.get((predicted, truth), 0),
        )
        for (truth, predicted), images in counts.items()
        if truth != predicted
    ]
    return sorted(pairs, key=lambda pair: (-pair.images, -pair.percent, pair.truth, pair.predicted))


def class_accuracies(
    label_N: np.ndarray, correct_N: np.ndarray, group_N: np.ndarray, pairs: list[ConfusedPair], several_N: np.ndarray
) -> list[ClassAccuracy]:
    """By class index. `pairs`: as `confused_pairs` orders them; images with several classes are left out."""
    first = {pair.truth: pair for pair in reversed(pairs)}
    order_N = np.argsort(label_N, kind="stable")
    order_N = order_N[~several_N[order_N]]
    labels, starts = np.unique(label_N[order_N], return_index=True)
    accuracies = []
    for index, images in zip(labels.tolist(), np.split(order_N, starts[1:]), strict=True):
        pair = first.get(index)
        found = share(correct_N[images], group_N[images])
        confused_with, confused = (pair.predicted, pair.images) if pair else (None, 0)
        accuracies.append(ClassAccuracy(index=index, accuracy=found, confused_with=confused_with, confused=confused))
    return accuracies


def most_confused_classes(pairs: list[ConfusedPair], n: int) -> list[int]:
    """The classes of the first pairs, up to `n`, with the partners of a pair side by side."""
    classes: dict[int, None] = {}
    for pair in pairs:
        new = [one for one in (pair.truth, pair.predicted) if one not in classes]
        if len(classes) + len(new) > n:
            break
        classes |= dict.fromkeys(new)
    return list(classes)
