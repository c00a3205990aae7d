"""What several networks say of images together, each alone, and all but each: means of probabilities, as the papers.

A single network is the ensemble of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inceptionctl.evaluation.outcome import NO_CLASS, TOP, Evaluation, hits
from inceptionctl.evaluation.scores import Scores, of_labels, of_members, ranked

SMALLEST = 2.0**-24  # above 0, in float16


@dataclass(frozen=True)
class BatchImages:
    """The images of a batch that count. `indices_N`: their places in the set; `labels_NL`: as in `Evaluation`;
    `read_N`: whether each could be read; `left_out_M`: places of those that do not count."""

    indices_N: np.ndarray
    labels_NL: np.ndarray
    read_N: np.ndarray
    left_out_M: np.ndarray


def subsets(n_members: int) -> list[tuple[int, ...]]:
    """The subsets that have figures of their own: each member alone, then, of three members and more, all but each."""
    everyone = range(n_members)
    alone = [(one,) for one in everyone] if n_members > 1 else []
    without = [tuple(other for other in everyone if other != one) for one in everyone] if n_members > 2 else []
    return [*alone, *without]


def from_stored(p_NK: np.ndarray) -> Scores:
    """Probabilities that were rounded to float16. What became 0 there counts as half the smallest number above it: an
    image whose labels are all that unlikely still has a likelihood."""
    p = torch.from_numpy(p_NK.astype(np.float32)).clamp(min=SMALLEST / 2)
    p = p / p.sum(dim=1, keepdim=True)
    return Scores(p, p.log())


def judged(members: Sequence[Scores], images: BatchImages, probabilities: bool) -> Evaluation:
    """What `members` say of `images`. `probabilities`: whether those of all classes are kept."""
    labels_NL = torch.from_numpy(images.labels_NL).to(members[0].p_NK.device)
    whole = of_members(members)
    likelihood = of_labels(whole, labels_NL)
    top5_NK = ranked(whole.log_p_NK, TOP)
    parts = [_of_subset([members[i] for i in subset], labels_NL, images) for subset in subsets(len(members))]
    n_images, lost_N = len(images.indices_N), ~images.read_N
    return Evaluation(
        n_classes=whole.p_NK.shape[1],
        indices_N=images.indices_N,
        labels_NL=images.labels_NL,
        top5_NK=_without(_array(top5_NK), lost_N, NO_CLASS),
        p_true_N=_without(_array(likelihood.p_true_N), lost_N, 0),
        confidence_N=_without(_array(whole.p_NK.gather(1, top5_NK[:, :1])[:, 0]), lost_N, 0),
        nll_N=_without(_array(likelihood.nll_N).astype(np.float64), lost_N, np.nan),
        left_out_M=images.left_out_M,
        hits_NST=np.stack([hit_NT for hit_NT, _ in parts], 1) if parts else np.zeros((n_images, 0, 2), bool),
        nll_NS=np.stack([nll_N for _, nll_N in parts], 1) if parts else np.zeros((n_images, 0)),
        p_NK=_without(_array(whole.p_NK).astype(np.float16), lost_N, 0) if probabilities else None,
    )


def _of_subset(members: Sequence[Scores], labels_NL: Tensor, images: BatchImages) -> tuple[np.ndarray, np.ndarray]:
    """Whether a label is the likeliest class, and among the five, (N, 2); the negative log-likelihood, (N,). Summed
    anew: a difference from the sum of all would lose the small probabilities."""
    mean, lost_N = of_members(members), ~images.read_N
    top5_NK = _without(_array(ranked(mean.log_p_NK, TOP)), lost_N, NO_CLASS)
    nll_N = _without(_array(of_labels(mean, labels_NL).nll_N).astype(np.float64), lost_N, np.nan)
    return np.stack([hits(top5_NK, images.labels_NL, top) for top in (1, TOP)], axis=1), nll_N


def _array(values: Tensor) -> np.ndarray:
    return values.cpu().numpy()


def _without(values: np.ndarray, lost_N: np.ndarray, otherwise: float) -> np.ndarray:
    """`values` with another one for images that could not be read."""
    return np.where(lost_N[(..., *[None] * (values.ndim - 1))], values.dtype.type(otherwise), values)
