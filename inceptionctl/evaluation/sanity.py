"""Whether the figures of an evaluation look as if labels, classes and network did not belong together. No torch.

A network that is honestly good or honestly poor gets no warning: tests simulate both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inceptionctl.errors import shortened
from inceptionctl.evaluation.renaming import Renaming, expected_hits, find_renaming

ALPHA = 1e-4  # one-sided
MIN_IMAGES = 10
SURE = 0.5  # mean confidence
SHOWN = 4  # pairs of classes


def warnings(
    label_N: np.ndarray,
    predicted_N: np.ndarray,
    group_N: np.ndarray,
    classes: Sequence[str],
    confidence_N: np.ndarray | None = None,
) -> list[str]:
    """What looks wrong, a message each: of images that were read and have one class. The first that explains it is the
    only one."""
    if len(label_N) < MIN_IMAGES:
        return []
    if constant := _constant(label_N, predicted_N, classes, confidence_N):
        return [constant]
    if renaming := find_renaming(label_N, predicted_N, group_N, len(classes)):
        return [_of_renaming(renaming, classes)]
    chance, accuracy = expected_hits(label_N, predicted_N) / len(label_N), float(np.mean(label_N == predicted_N))
    groups = len(np.unique(group_N))  # images of one source count as one
    if _fewer(accuracy, groups, chance):
        return [
            f"{100 * accuracy:.2f} % of the images are right, fewer than guessing gives ({100 * chance:.2f} %): the "
            "labels may be those of other classes; compare their order with the network's"
        ]
    return _sure_and_wrong(accuracy, chance, groups, confidence_N)


def _constant(
    label_N: np.ndarray, predicted_N: np.ndarray, classes: Sequence[str], confidence_N: np.ndarray | None
) -> str | None:
    """Of a network that makes no difference between images."""
    if confidence_N is not None and len(classes) > 1 and np.allclose(confidence_N, 1 / len(classes), rtol=1e-4):
        return (
            f"every class of every image has the same probability, 1/{len(classes)}: the network tells nothing apart; "
            "its weights may be empty or its activations zero"
        )
    if len(np.unique(predicted_N)) == 1 and len(np.unique(label_N)) > 1:
        return (
            f"all {len(label_N):,} images are taken for one class, {shortened(classes[predicted_N[0]])}: the network "
            "may be untrained or broken, or arch.input not be what its weights need"
        )
    return None


def _of_renaming(found: Renaming, classes: Sequence[str]) -> str:
    gain = f"{found.renamed:.1f} % of {'the' if found.shift else 'their'} images would be right, not {found.now:.1f} %"
    if found.shift:
        where = (
            "down (are they counted from 1?)" if found.shift < 0 else "up (has the network a class before the first?)"
        )
        return f"the labels look shifted by one: with every label moved one class {where}, {gain}"
    pairs = [f"{shortened(classes[label], 40)} as {shortened(classes[other], 40)}" for label, other in found.pairs]
    more = f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
    return (
        f"the labels look permuted: with {len(pairs)} classes renamed, {gain}: "
        f"{', '.join(pairs[:SHOWN])}{more}. Is their order the network's?"
    )


def _fewer(accuracy: float, n: int, expected: float) -> bool:
    """Whether fewer of `n` images are right than a share of `expected` would give."""
    from scipy.stats import binom  # takes longer to import than everything else

    return bool(binom.cdf(np.ceil(accuracy * n), n, expected) < ALPHA)


def _sure_and_wrong(accuracy: float, chance: float, groups: int, confidence_N: np.ndarray | None) -> list[str]:
    """Of a network that is sure of what is right no more often than guessing."""
    if confidence_N is None or confidence_N.mean() < SURE or chance > SURE / 2:
        return []
    from scipy.stats import binom

    no_better = binom.sf(np.floor(accuracy * groups) - 1, groups, chance) > 0.05
    if not no_better or not _fewer(accuracy, groups, float(confidence_N.mean()) / 2):
        return []
    return [
        f"the network is sure (mean confidence {100 * confidence_N.mean():.0f} %) but right in {100 * accuracy:.2f} % "
        f"of the images, as guessing is ({100 * chance:.2f} %): labels of another order, or weights of another network?"
    ]
