"""One optimizer step. What is switched off is a no-op, so that the loop has no branches."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from inceptionctl.data.loader import Batch
from inceptionctl.data.normalise import Normalise, inception
from inceptionctl.training.distributed.batch_norm import group_norms, update_running_stats
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.training.losses import CrossEntropy

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Outcome:
    """`loss` of this rank's pictures and the gradient's norm before clipping, both scalars that may still be on their
    way from a GPU; `unreadable`: pictures that could not be read."""

    loss: Tensor | float
    grad_norm: Tensor | float
    unreadable: int = 0


@dataclass
class Step:
    """`forward`: the model as it is called in training (compiled, in DDP, or itself); `clip`: largest global norm of
    the gradient (infinity: none); `dtype`: of autocast; `normalise`: of `data.normalise`."""

    model: nn.Module
    loss: CrossEntropy
    optimizer: torch.optim.Optimizer
    average: AveragedModel
    clip: float
    device: torch.device
    memory_format: torch.memory_format
    forward: nn.Module
    ranks: DistributedContext = field(default_factory=DistributedContext)
    dtype: torch.dtype = torch.float32
    normalise: Normalise = inception

    def __post_init__(self) -> None:
        """Small float16 gradients would vanish: the loss is scaled up, and a step whose gradients overflow is left
        out."""
        self.norms = group_norms(self.model)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)

    def __call__(self, batches: Sequence[Batch], rate: float) -> Outcome:
        """Adds up the gradients of `batches`, this rank's share of the step's batch, and moves the weights once."""
        self.optimizer.zero_grad(set_to_none=True)
        losses = [self._add_gradients(batch, batch is batches[-1], len(batches)) for batch in batches]
        update_running_stats(self.norms, self.ranks)
        self.scaler.unscale_(self.optimizer)
        grad_norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.average.update_parameters(self.model)
        loss = losses[0] if len(losses) == 1 else torch.stack(losses).mean()
        return Outcome(loss, grad_norm, sum(batch.unreadable for batch in batches))

    def _add_gradients(self, batch: Batch, last: bool, parts: int) -> Tensor:
        images_NCHW, labels_N = on_device(batch, self.device, self.memory_format, self.normalise)
        with self._exchange_if(last):
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                loss: Tensor = self.loss(self.forward(images_NCHW), labels_N)
            self.scaler.scale(loss / parts).backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _exchange_if(self, last: bool) -> AbstractContextManager[None]:
        """Ranks exchange gradients once a step, with the last of its batches."""
        hold: AbstractContextManager[None] = nullcontext()
        if isinstance(self.forward, DistributedDataParallel) and not last:
            hold = self.forward.no_sync()
        return hold


def on_device(
    batch: Batch, device: torch.device, memory_format: torch.memory_format, normalise: Normalise = inception
) -> tuple[Tensor, Tensor]:
    """Pictures as the floats that the network takes, and labels."""
    images_NCHW = normalise(batch.images_NCHW.to(device, non_blocking=True), memory_format)
    return images_NCHW, batch.labels_N.to(device, non_blocking=True)
