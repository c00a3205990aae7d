"""Exact evaluation: every picture once, whole counts, one division at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inceptionctl.data.loader import Batch
from inceptionctl.data.normalise import Normalise, inception
from inceptionctl.engine.step import on_device
from inceptionctl.models.build import Classifier


@dataclass(frozen=True)
class Evaluation:
    """`top5_NK`: the (up to) five likeliest classes of each picture, best first; `p_true_N`: probability of the right
    one; `loss` in nats, without smoothing and side heads."""

    labels_N: np.ndarray
    top5_NK: np.ndarray
    p_true_N: np.ndarray
    loss: float

    @property
    def n_images(self) -> int:
        return len(self.labels_N)

    def error(self, top: int) -> float:
        """Percent of the pictures whose class is not among the first `top` guesses."""
        hit = (self.top5_NK[:, :top] == self.labels_N[:, None]).any(axis=1)
        return 100.0 * (self.n_images - int(hit.sum())) / self.n_images

    def row(self) -> dict[str, float | int]:
        return {"n_images": self.n_images, "top1_error": self.error(1), "top5_error": self.error(5), "loss": self.loss}


@torch.no_grad()
def evaluate(
    model: nn.Module,
    batches: Iterable[Batch],
    device: torch.device,
    memory_format: torch.memory_format,
    normalise: Normalise = inception,
) -> Evaluation:
    """Runs `model` in evaluation mode over `batches` and puts its mode back."""
    was_training, parts, loss = model.training, [], 0.0
    model.eval()
    for batch in batches:
        images_NCHW, labels_N = on_device(batch, device, memory_format, normalise)
        logits_NK = model(images_NCHW).logits.float()
        p_NK = logits_NK.softmax(dim=1)
        top_NK = p_NK.topk(min(5, p_NK.shape[1]), dim=1).indices
        p_true_N = p_NK.gather(1, labels_N[:, None])[:, 0]
        loss += cross_entropy(logits_NK, labels_N, reduction="sum").item()
        parts.append((labels_N.cpu().numpy(), top_NK.cpu().numpy(), p_true_N.cpu().numpy()))
    model.train(was_training)
    labels, guesses, probabilities = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Evaluation(labels, guesses, probabilities, loss / len(labels))


def look(model: Classifier, images_NHWC: np.ndarray, normalise: Normalise) -> tuple[np.ndarray, np.ndarray]:
    """What `model`, in evaluation mode, makes of a few pictures (uint8): probabilities (N, classes), and the features
    that its classifier gets (N, channels), averaged over the map where it is one."""
    device, features = next(model.parameters()).device, list[Tensor]()
    hook = model.get_submodule("logits").register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    images_NCHW = torch.from_numpy(images_NHWC).permute(0, 3, 1, 2).to(device)
    with torch.no_grad():
        logits_NK: Tensor = model(normalise(images_NCHW, torch.channels_last)).logits
    hook.remove()
    (found,) = features
    pooled_NC = found.flatten(2).mean(dim=2) if found.dim() == 4 else found
    return logits_NK.flatten(1).softmax(dim=1).cpu().numpy(), pooled_NC.float().cpu().numpy()
