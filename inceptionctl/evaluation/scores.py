"""From logits to probabilities of an image's classes, over its views and over networks, and from these to outcomes.

Axes: N images, V views, K classes, L labels. Everything is float32 in the log domain: a probability too small for a
float still has its logarithm, so that a negative log-likelihood is infinite only where a logit is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inceptionctl.evaluation.protocol_base import Averaging


@dataclass(frozen=True)
class Scores:
    """Probabilities of all classes and their logarithms, (N, K)."""

    p_NK: Tensor
    log_p_NK: Tensor


def of_views(logits_NVK: Tensor, averaging: Averaging | None) -> Scores:
    """Over the views of each image: the mean of their probabilities (softmax), those of the mean of their logits, or
    the largest of their probabilities, divided by the sum over all classes (maximum); None for a single view."""
    if averaging is None or averaging == "logits":
        logits_NK = logits_NVK[:, 0] if averaging is None else logits_NVK.mean(dim=1)
        return Scores(logits_NK.softmax(dim=1), logits_NK.log_softmax(dim=1))
    log_p_NVK = logits_NVK.log_softmax(dim=2)
    if averaging == "maximum":
        return _from_logarithms(log_p_NVK.amax(dim=1).log_softmax(dim=1))
    return _from_logarithms(log_p_NVK.logsumexp(dim=1) - math.log(log_p_NVK.shape[1]))


def of_members(members: Sequence[Scores]) -> Scores:
    """The arithmetic mean of the probabilities of several networks; of a single one, its own."""
    if len(members) == 1:
        return members[0]
    log_p_MNK = torch.stack([member.log_p_NK for member in members])
    return _from_logarithms(log_p_MNK.logsumexp(dim=0) - math.log(len(members)))


def ranked(log_p_NK: Tensor, n: int) -> Tensor:
    """The (up to) `n` likeliest classes, best first; of two that are equally likely, the lower index first."""
    return log_p_NK.sort(dim=1, descending=True, stable=True).indices[:, :n]


@dataclass(frozen=True)
class Likelihood:
    """Of the labels of each image, (N,): the probability of any of them, and minus its logarithm."""

    p_true_N: Tensor
    nll_N: Tensor


def of_labels(scores: Scores, labels_NL: Tensor) -> Likelihood:
    """`labels_NL`: the classes that are right, padded with -1."""
    is_label_NL, classes_NL = labels_NL >= 0, labels_NL.clamp(min=0)
    p_NL = scores.p_NK.gather(1, classes_NL) * is_label_NL
    log_p_NL = scores.log_p_NK.gather(1, classes_NL).masked_fill(~is_label_NL, -math.inf)
    return Likelihood(p_NL.sum(dim=1), -log_p_NL.logsumexp(dim=1))


def _from_logarithms(log_p_NK: Tensor) -> Scores:
    return Scores(log_p_NK.exp(), log_p_NK)
