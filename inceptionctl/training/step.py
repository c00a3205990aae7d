"""One optimizer step. What is switched off (autocast, loss scaling, DDP, accumulation) does nothing: no branches."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from inceptionctl.data.loader import TrainingBatch
from inceptionctl.training.device import ToDevice
from inceptionctl.training.distributed.batch_norm import ghost_batch_norms, update_running_stats
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.training.losses import CrossEntropy

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class StepOutput:
    """`loss` of this rank's images and the gradient's norm before clipping: scalars, on a GPU perhaps not computed yet.
    `unreadable`: places in their set of the images that could not be read."""

    loss: Tensor | float
    grad_norm: Tensor | float
    unreadable: tuple[int, ...] = ()


@dataclass
class TrainStep:
    """What one step needs. `forward`: `model` as it is called in training (compiled, in DDP, or itself); `grad_clip`:
    largest global norm of the gradient (infinity: no clipping); `dtype`: of autocast."""

    model: nn.Module
    loss: CrossEntropy
    optimizer: torch.optim.Optimizer
    ema: AveragedModel
    grad_clip: float
    to_device: ToDevice
    forward: nn.Module
    context: DistributedContext = field(default_factory=DistributedContext)
    dtype: torch.dtype = torch.float32

    def __post_init__(self) -> None:
        """In float16 the loss is scaled up, since small gradients would be zero; a step whose gradients overflow is
        skipped."""
        self.norms = ghost_batch_norms(self.model)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)

    @property
    def device(self) -> torch.device:
        return self.to_device.device

    def __call__(self, micro_batches: Sequence[TrainingBatch], lr: float) -> StepOutput:
        """Accumulates the gradients of this rank's micro-batches and updates the weights once."""
        self.optimizer.zero_grad(set_to_none=True)
        last = len(micro_batches) - 1
        losses = [self._backward(batch, i == last, len(micro_batches)) for i, batch in enumerate(micro_batches)]
        update_running_stats(self.norms, self.context)
        self.scaler.unscale_(self.optimizer)
        grad_norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.grad_clip)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.ema.update_parameters(self.model)
        loss = losses[0] if len(losses) == 1 else torch.stack(losses).mean()
        return StepOutput(loss, grad_norm, tuple(index for batch in micro_batches for index in batch.unreadable))

    def _backward(self, batch: TrainingBatch, last: bool, num_micro_batches: int) -> Tensor:
        images_NCHW, labels_N = self.to_device(batch)
        with self._gradient_sync(last):
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                loss: Tensor = self.loss(self.forward(images_NCHW), labels_N)
            self.scaler.scale(loss / num_micro_batches).backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _gradient_sync(self, last: bool) -> AbstractContextManager[None]:
        """Ranks exchange gradients once a step, with the last micro-batch."""
        no_sync: AbstractContextManager[None] = nullcontext()
        if isinstance(self.forward, DistributedDataParallel) and not last:
            no_sync = self.forward.no_sync()
        return no_sync
