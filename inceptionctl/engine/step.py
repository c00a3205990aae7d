"""One optimizer step. What is switched off is a no-op, so that the loop has no branches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from inceptionctl.data.loader import Batch
from inceptionctl.data.normalise import Normalise, inception
from inceptionctl.errors import InceptionctlError
from inceptionctl.optim.losses import CrossEntropy


@dataclass(frozen=True)
class Outcome:
    """`loss` and the gradient's norm before clipping, both scalars that may still be on their way from a GPU."""

    loss: Tensor | float
    grad_norm: Tensor | float


def mean_of(outcomes: Sequence[Outcome], step: int) -> dict[str, float]:
    """Means over the steps since the last row. Raises InceptionctlError when training has blown up."""
    loss = fmean(float(outcome.loss) for outcome in outcomes)
    grad_norm = fmean(float(outcome.grad_norm) for outcome in outcomes)
    if not (math.isfinite(loss) and math.isfinite(grad_norm)):
        raise InceptionctlError(
            f"training diverged at step {step}: loss {loss}, gradient norm {grad_norm}\n"
            "  lower schedule.rate, lengthen schedule.warmup, or clip harder (train.clip)"
        )
    return {"loss": loss, "grad_norm": grad_norm}


@dataclass
class Step:
    """`clip`: largest global norm of the gradient (infinity: none); `normalise`: of `data.normalise`."""

    model: nn.Module
    loss: CrossEntropy
    optimizer: torch.optim.Optimizer
    average: AveragedModel
    clip: float
    device: torch.device
    memory_format: torch.memory_format
    normalise: Normalise = inception

    def __call__(self, batch: Batch, rate: float) -> Outcome:
        images_NCHW, labels_N = self.to_device(batch)
        loss = self.loss(self.model(images_NCHW), labels_N)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        grad_norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.average.update_parameters(self.model)
        return Outcome(loss.detach(), grad_norm)

    def to_device(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return on_device(batch, self.device, self.memory_format, self.normalise)


def on_device(
    batch: Batch, device: torch.device, memory_format: torch.memory_format, normalise: Normalise = inception
) -> tuple[Tensor, Tensor]:
    """Pictures as the floats that the network takes, and labels."""
    images_NCHW = normalise(batch.images_NCHW.to(device, non_blocking=True), memory_format)
    return images_NCHW, batch.labels_N.to(device, non_blocking=True)
