"""Whether labels look as if their classes had other numbers: a one-to-one renaming that makes far more images right.

A network that is honestly poor must not look so. Of the many renamings some fit a small, noisy matrix well by chance,
so a renaming is chosen on one half of the sources of images and judged on the other, and the other way round; only
images of classes that it changes are judged. It must beat the labels as they are, and what it would give if predictions
had nothing to do with labels, in odds by `FACTOR` and with p < `ALPHA`. No torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FACTOR = 4.0  # of odds
ALPHA = 1e-4  # one-sided
MAX_CLASSES = 3000  # with images: more take the assignment minutes and gigabytes


@dataclass(frozen=True)
class Renaming:
    """`now`, `renamed`: percent of the images of the `classes` concerned that are right. `shift`: what must be added to
    every label, 0 for a renaming of another kind, whose `pairs` are (label, class that it seems to stand for)."""

    shift: int
    now: float
    renamed: float
    classes: int
    pairs: tuple[tuple[int, int], ...] = ()


def find_renaming(label_N: np.ndarray, predicted_N: np.ndarray, group_N: np.ndarray, n_classes: int) -> Renaming | None:
    """A shift by one before any other renaming: it can be found where each class has one image. None if nothing looks
    wrong. `predicted_N`: of images that were read."""
    _, group_N = np.unique(group_N, return_inverse=True)
    for shift in (-1, 1):
        if found := _shifted(shift, label_N, predicted_N, group_N, n_classes):
            return found
    return _permuted(label_N, predicted_N, group_N, n_classes)


def expected_hits(label_N: np.ndarray, predicted_N: np.ndarray) -> float:
    """Images that would be right if predictions had nothing to do with labels, each as often as they are."""
    n_classes = 1 + max(int(label_N.max(initial=0)), int(predicted_N.max(initial=0)))
    rows_K, columns_K = (np.bincount(one, minlength=n_classes).astype(float) for one in (label_N, predicted_N))
    return float(rows_K @ columns_K) / max(1, len(label_N))


def _shifted(
    shift: int, label_N: np.ndarray, predicted_N: np.ndarray, group_N: np.ndarray, n_classes: int
) -> Renaming | None:
    if n_classes < 3:  # of two classes it is an exchange
        return None
    renamed_N = label_N + shift
    kept_N = (renamed_N >= 0) & (renamed_N < n_classes)
    chosen = (label_N[kept_N], renamed_N[kept_N], predicted_N[kept_N], group_N[kept_N])
    if not kept_N.any() or not _far_better(*chosen):
        return None
    now, renamed = (100 * float(np.mean(one == chosen[2])) for one in chosen[:2])
    return Renaming(shift, now, renamed, len(np.unique(chosen[0])))


def _permuted(label_N: np.ndarray, predicted_N: np.ndarray, group_N: np.ndarray, n_classes: int) -> Renaming | None:
    if len(np.unique(label_N)) > MAX_CLASSES or group_N.max(initial=0) < 3:
        return None
    half_N = np.random.default_rng(0).permutation(int(group_N.max()) + 1)[group_N] % 2  # by source
    renamed_N = label_N.copy()
    for half in (0, 1):
        named_K = best_renaming(label_N[half_N != half], predicted_N[half_N != half], n_classes)
        renamed_N[half_N == half] = named_K[label_N[half_N == half]]
    changed_N = renamed_N != label_N
    chosen = (label_N[changed_N], renamed_N[changed_N], predicted_N[changed_N], group_N[changed_N])
    if not changed_N.any() or not _far_better(*chosen):
        return None
    named_K = best_renaming(label_N, predicted_N, n_classes)
    pairs = tuple((k, int(named_K[k])) for k in np.unique(label_N).tolist() if named_K[k] != k)
    now, renamed = (100 * float(np.mean(one == chosen[2])) for one in chosen[:2])
    return Renaming(0, now, renamed, len(pairs), pairs)


def best_renaming(label_N: np.ndarray, predicted_N: np.ndarray, n_classes: int) -> np.ndarray:
    """The class that each label should stand for so that most images are right, one to one; a label keeps its own where
    another gains nothing."""
    from scipy.optimize import linear_sum_assignment  # takes long to import

    classes = np.unique(np.concatenate([label_N, predicted_N]))
    named_K = np.arange(n_classes)
    pair_N = np.searchsorted(classes, label_N) * len(classes) + np.searchsorted(classes, predicted_N)
    counts_KK = np.bincount(pair_N, minlength=len(classes) ** 2).reshape(len(classes), -1).astype(float)
    counts_KK[np.diag_indices(len(classes))] += 0.5
    rows, columns = linear_sum_assignment(counts_KK, maximize=True)
    named_K[classes[rows]] = classes[columns]
    return named_K


def _far_better(label_N: np.ndarray, renamed_N: np.ndarray, predicted_N: np.ndarray, group_N: np.ndarray) -> bool:
    """Each source counts as one image: binomial tests on as many as there are."""
    from scipy.stats import binom

    n, groups = len(label_N), len(np.unique(group_N))
    now_N, then_N = label_N == predicted_N, renamed_N == predicted_N
    chance = expected_hits(renamed_N, predicted_N) / n
    if _odds(float(then_N.mean())) < FACTOR * _odds(max(float(now_N.mean()), chance)):
        return False
    gained, lost = (groups * float(np.mean(one)) for one in (then_N & ~now_N, now_N & ~then_N))
    against_now = binom.sf(int(gained) - 1, int(gained) + round(lost), 0.5)
    against_chance = binom.sf(int(groups * then_N.mean()) - 1, groups, chance)
    return bool(max(against_now, against_chance) < ALPHA)


def _odds(p: float) -> float:
    return p / max(1e-9, 1 - p)
