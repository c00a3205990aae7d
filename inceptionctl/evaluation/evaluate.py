"""Exact evaluation: every picture once, whole counts, one division at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from inceptionctl.data.loader import Batch
from inceptionctl.data.normalise import Normalise, inception
from inceptionctl.errors import DataError
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.training.step import on_device


@dataclass(frozen=True)
class Evaluation:
    """`indices_N`: which pictures of the set these are; `top5_NK`: the (up to) five likeliest classes of each, best
    first; `p_true_N`: probability of the right one; `loss` in nats, without smoothing and side heads; `unreadable`
    pictures were left out."""

    indices_N: np.ndarray
    labels_N: np.ndarray
    top5_NK: np.ndarray
    p_true_N: np.ndarray
    loss: float
    unreadable: int = 0

    @property
    def n_images(self) -> int:
        return len(self.labels_N)

    def error(self, top: int) -> float:
        """Percent of the pictures whose class is not among the first `top` guesses."""
        hit = (self.top5_NK[:, :top] == self.labels_N[:, None]).any(axis=1)
        return 100.0 * (self.n_images - int(hit.sum())) / self.n_images

    def row(self) -> dict[str, float | int]:
        left_out = {"unreadable": self.unreadable} if self.unreadable else {}
        errors = {"top1_error": self.error(1), "top5_error": self.error(5)}
        return {"n_images": self.n_images, **errors, "loss": self.loss, **left_out}


@torch.no_grad()
def evaluate(
    model: nn.Module,
    batches: Iterable[Batch],
    device: torch.device,
    memory_format: torch.memory_format,
    normalise: Normalise = inception,
    first: int = 0,
) -> Evaluation:
    """Runs `model` in evaluation mode over `batches`, whose pictures are those of the set from index `first` on, and
    puts its mode back. Pictures with a label below 0 are left out."""
    was_training, parts, loss, seen = model.training, [], 0.0, first
    model.eval()
    for batch in batches:
        images_NCHW, labels_N = on_device(batch, device, memory_format, normalise)
        read_N = labels_N >= 0
        logits_NK, labels_N = model(images_NCHW).logits.float()[read_N], labels_N[read_N]
        p_NK = logits_NK.softmax(dim=1)
        top_NK = p_NK.topk(min(5, p_NK.shape[1]), dim=1).indices
        p_true_N = p_NK.gather(1, labels_N[:, None])[:, 0]
        loss += cross_entropy(logits_NK, labels_N, reduction="sum").item()
        indices_N = seen + read_N.nonzero()[:, 0]
        parts.append([part.cpu().numpy() for part in (indices_N, labels_N, top_NK, p_true_N)])
        seen += len(read_N)
    model.train(was_training)
    indices, labels, guesses, probabilities = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    mean_loss, unreadable = loss / max(1, len(labels)), seen - first - len(labels)
    return Evaluation(indices, labels, guesses, probabilities, mean_loss, unreadable)


def combined(part: Evaluation, ranks: DistributedContext) -> Evaluation:
    """The evaluation of all pictures from those of the ranks' shares; the same on every rank. Raises DataError where no
    picture could be read."""
    (count,) = ranks.means([float(part.n_images)])
    if count == 0:
        raise DataError("not one of the held-out pictures can be read")
    if ranks.alone:
        return part
    counts = ranks.collect(torch.tensor([part.n_images]), [(1,)] * ranks.size)
    found = []
    for array in (part.indices_N, part.labels_N, part.top5_NK, part.p_true_N):
        shapes = [(int(count), *array.shape[1:]) for count in counts]
        found.append(np.concatenate([piece.numpy() for piece in ranks.collect(torch.from_numpy(array), shapes)]))
    indices, labels, guesses, probabilities = found
    loss, unreadable = ranks.means([part.loss * part.n_images, float(part.unreadable)])
    loss, unreadable = loss * ranks.size / len(labels), unreadable * ranks.size
    return Evaluation(indices, labels, guesses, probabilities, loss, round(unreadable))
