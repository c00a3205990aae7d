"""Exact evaluation: every image once, counts summed over ranks as integers, one division at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from inceptionctl.data.loader import Batch
from inceptionctl.errors import DataError
from inceptionctl.training.device import ToDevice
from inceptionctl.training.distributed.context import DistributedContext

TOP = 5  # classes kept for each image


@dataclass(frozen=True)
class Evaluation:
    """Of some or all images of a set. `indices_N`: their places in the set; `top5_NK`: the (up to) five likeliest
    classes, best first; `p_true_N`: probability of the label; `confidence_N`: of the likeliest class; `nll_sum`: sum of
    negative log-likelihoods in nats, without smoothing or auxiliary heads; `unreadable`: images that were left out."""

    indices_N: np.ndarray
    labels_N: np.ndarray
    top5_NK: np.ndarray
    p_true_N: np.ndarray
    confidence_N: np.ndarray
    nll_sum: float
    unreadable: int = 0

    @property
    def n_images(self) -> int:
        return len(self.labels_N)

    @property
    def nll(self) -> float:
        """Mean over the images."""
        return self.nll_sum / max(1, self.n_images)

    @property
    def correct_N(self) -> np.ndarray:
        return np.asarray(self.top5_NK[:, 0] == self.labels_N)

    def error(self, top: int) -> float:
        """Percent of the images whose label is not among the `top` likeliest classes."""
        hit = (self.top5_NK[:, :top] == self.labels_N[:, None]).any(axis=1)
        return 100.0 * (self.n_images - int(hit.sum())) / self.n_images

    def metrics(self) -> dict[str, Any]:
        """As the records of runs name them."""
        errors = {"top1_error": self.error(1), "top5_error": self.error(5)}
        return {"n_images": self.n_images, "unreadable": self.unreadable, **errors, "nll": self.nll}


@torch.no_grad()
def evaluate(model: nn.Module, batches: Iterable[Batch], to_device: ToDevice, first_index: int = 0) -> Evaluation:
    """Runs `model` in evaluation mode over `batches`, the images of a set from `first_index` on, and restores its mode.
    Images with a negative label could not be read and are left out; no batches at all are fine."""
    was_training, parts, nll_sum, num_seen = model.training, [], 0.0, 0
    model.eval()
    for batch in batches:
        images_NCHW, labels_N = to_device(batch)
        read_N = labels_N >= 0
        logits_NK, labels_N = model(images_NCHW).logits.float()[read_N], labels_N[read_N]
        p_NK = logits_NK.softmax(dim=1)
        confidence_NK, top_NK = p_NK.topk(min(TOP, p_NK.shape[1]), dim=1)
        p_true_N = p_NK.gather(1, labels_N[:, None])[:, 0]
        nll_sum += cross_entropy(logits_NK, labels_N, reduction="sum").item()
        indices_N = first_index + num_seen + read_N.nonzero()[:, 0]
        parts.append([part.cpu().numpy() for part in (indices_N, labels_N, top_NK, p_true_N, confidence_NK[:, 0])])
        num_seen += len(read_N)
    model.train(was_training)
    indices, labels, top5, p_true, confidence = _concatenate(parts)
    return Evaluation(indices, labels, top5, p_true, confidence, nll_sum, num_seen - len(labels))


def combine(part: Evaluation, context: DistributedContext) -> Evaluation:
    """The evaluation of all images, on every rank, from the parts of the ranks, which may be of any size, 0 included.
    Raises DataError if no image could be read."""
    sizes = torch.tensor([part.n_images, part.unreadable, part.top5_NK.shape[1]])
    counts = torch.stack(context.all_gather(sizes, [sizes.shape] * context.world_size))
    if not counts[:, 0].any():
        raise DataError("not one of the images to evaluate on can be read")
    if not context.is_distributed:
        return part
    arrays = []
    for array in (part.indices_N, part.labels_N, part.top5_NK, part.p_true_N, part.confidence_N):
        shapes = [(n, k)[: array.ndim] for n, _, k in counts.tolist()]
        gathered = context.all_gather(torch.from_numpy(array), shapes)
        arrays.append(np.concatenate([piece.numpy() for piece in gathered if len(piece)]))
    indices, labels, top5, p_true, confidence = arrays
    (mean_nll_sum,) = context.all_reduce_mean([part.nll_sum])
    nll_sum, unreadable = mean_nll_sum * context.world_size, int(counts[:, 1].sum())
    return Evaluation(indices, labels, top5, p_true, confidence, nll_sum, unreadable)


def _concatenate(parts: list[list[np.ndarray]]) -> list[np.ndarray]:
    """Indices, labels, likeliest classes and both probabilities of all batches."""
    if not parts:
        integers, floats = np.empty(0, np.int64), np.empty(0, np.float32)
        return [integers, integers, np.empty((0, TOP), np.int64), floats, floats]
    return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
