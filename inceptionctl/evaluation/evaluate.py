"""Exact evaluation: every image once, in batches that are the same for any number of ranks.

N images, V views of each, K classes; `Evaluation` explains the other axes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inceptionctl.data.order import evaluation_batches
from inceptionctl.data.view_batches import ViewBatch
from inceptionctl.errors import DataError, InceptionctlError
from inceptionctl.evaluation.ensemble import BatchImages, judged, subsets
from inceptionctl.evaluation.outcome import ARRAYS, TOP, Evaluation, concatenate
from inceptionctl.evaluation.protocol_base import Averaging
from inceptionctl.evaluation.scores import Scores, of_views
from inceptionctl.training.device import ToDevice
from inceptionctl.training.distributed.context import DistributedContext


@dataclass(frozen=True)
class Network:
    """A trained network and how images reach it. `inputs`: which of a batch's inputs it takes, together all views of an
    image; networks for images of other sizes take others."""

    model: nn.Module
    to_device: ToDevice
    inputs: Sequence[int] = (0,)


@dataclass(frozen=True, kw_only=True)
class Method:
    """How a set of images is evaluated. `labels_NL`: the classes that are right for each image of the whole set, padded
    with -1; `batch_size`: inputs that a device takes at a time; `averaging`: over the views, None for one; `mirrored`:
    whether networks see each view once more, left to right; `num_views`: mirror images included; `uniform`: whether all
    images have one size, and can share a batch; `probabilities`: whether those of all classes are kept."""

    labels_NL: np.ndarray
    n_classes: int
    batch_size: int
    averaging: Averaging | None = None
    mirrored: bool = False
    num_views: int = 1
    uniform: bool = True
    probabilities: bool = False

    @property
    def batches(self) -> list[range]:
        """The images of each batch, at least one: the same for any number of ranks."""
        size = max(1, self.batch_size // self.num_views) if self.uniform else 1
        return evaluation_batches(len(self.labels_NL), size)


def evaluate(networks: Sequence[Network], batches: Iterable[ViewBatch], method: Method) -> Evaluation:
    """What `networks` together say of the images of `batches`; no batches at all are fine. Raises InceptionctlError
    where the output of a network is not finite."""
    return concatenate([nothing(len(networks), method), *outcomes(networks, batches, method)])


def outcomes(networks: Sequence[Network], batches: Iterable[ViewBatch], method: Method) -> Iterator[Evaluation]:
    """The same of each batch. The networks are in evaluation mode meanwhile; their modes are restored."""
    with _in_evaluation_mode([network.model for network in networks]):
        for batch in batches:
            members = [scores_of(network, batch.views, method) for network in networks]
            yield _outcome(members, batch, method)


@torch.no_grad()
def scores_of(network: Network, views: Sequence[Tensor], method: Method) -> Scores:
    """Of a batch's uint8 views, by a network in evaluation mode. Raises InceptionctlError for outputs that are not
    finite."""
    parts = [logits_of(network, views[i], method.mirrored, method.batch_size) for i in network.inputs]
    logits_NVK = torch.cat(parts, dim=1)
    if not bool(torch.isfinite(logits_NVK).all()):
        raise InceptionctlError("the network's output is NaN or infinite: its weights are of a training that diverged")
    return of_views(logits_NVK, method.averaging)


def logits_of(network: Network, views_NVCHW: Tensor, mirrored: bool, batch_size: int) -> Tensor:
    """(N, V, K). Mirror images are made on the device and follow an image's other views; the device takes at most
    `batch_size` inputs at a time, in parts of equal size."""
    inputs_NVCHW = views_NVCHW.to(network.to_device.device, non_blocking=True)
    if mirrored:
        inputs_NVCHW = torch.cat([inputs_NVCHW, inputs_NVCHW.flip(-1)], dim=1)
    inputs_NCHW = inputs_NVCHW.flatten(0, 1)
    parts = inputs_NCHW.chunk(-(-len(inputs_NCHW) // batch_size))
    logits = [network.model(network.to_device.floats(part)).logits.float() for part in parts]
    return torch.cat(logits).view(*inputs_NVCHW.shape[:2], -1)


def _outcome(members: Sequence[Scores], batch: ViewBatch, method: Method) -> Evaluation:
    counted_N = batch.counted_N.numpy()
    indices_N = batch.indices_N.numpy()
    images = BatchImages(
        indices_N=indices_N[counted_N],
        labels_NL=method.labels_NL[indices_N[counted_N]],
        read_N=batch.read_N.numpy()[counted_N],
        left_out_M=indices_N[~counted_N],
    )
    chosen_N = batch.counted_N.to(members[0].p_NK.device)
    counted = [Scores(one.p_NK[chosen_N], one.log_p_NK[chosen_N]) for one in members]
    return judged(counted, images, method.probabilities)


def nothing(n_networks: int, method: Method) -> Evaluation:
    """The evaluation of no images."""
    k, n_labels, n_subsets = method.n_classes, method.labels_NL.shape[1], len(subsets(n_networks))
    integers, floats = np.empty(0, np.int64), np.empty(0, np.float32)
    return Evaluation(
        n_classes=k,
        indices_N=integers,
        labels_NL=np.empty((0, n_labels), np.int64),
        top5_NK=np.empty((0, min(TOP, k)), np.int64),
        p_true_N=floats,
        confidence_N=floats,
        nll_N=np.empty(0),
        left_out_M=integers,
        hits_NST=np.empty((0, n_subsets, 2), bool),
        nll_NS=np.empty((0, n_subsets)),
        p_NK=np.empty((0, k), np.float16) if method.probabilities else None,
    )


def combine(part: Evaluation, context: DistributedContext) -> Evaluation:
    """The evaluation of all images, on every rank, from the parts of the ranks, which may be of any size, 0 included.
    Raises DataError if no image could be read."""
    whole = _gathered(part, context) if context.is_distributed else part
    if not whole.read_N.any():
        raise DataError("not one of the images to evaluate on can be read")
    return whole


def _gathered(part: Evaluation, context: DistributedContext) -> Evaluation:
    sizes = torch.tensor([part.n_images, len(part.left_out_M)])
    counts = torch.stack(context.all_gather(sizes, [sizes.shape] * context.world_size)).tolist()

    def gather(name: str) -> Any:  # noqa: ANN401  an array, or None for one that is not kept
        if (array := getattr(part, name)) is None:
            return None
        lengths = [m if name == "left_out_M" else n for n, m in counts]
        pieces = context.all_gather(torch.from_numpy(array), [(length, *array.shape[1:]) for length in lengths])
        return np.concatenate([piece.numpy() for piece in pieces])

    return Evaluation(n_classes=part.n_classes, **{name: gather(name) for name in ARRAYS})


@contextmanager
def _in_evaluation_mode(models: Sequence[nn.Module]) -> Iterator[None]:
    modes = [model.training for model in models]
    for model in models:
        model.eval()
    try:
        yield
    finally:
        for model, training in zip(models, modes, strict=True):
            model.train(training)
