"""Batch norm over groups of pictures of any size, whatever the number of devices they lie on.

The papers normalise the 32 pictures of a replica together. Here a group is a setting, so that a result does not depend
on devices: a group may be a part of what a device holds at a time ("ghost batches"), all of it, or more ("SyncBN").
Running statistics move once a step, towards the mean over all groups of that step on all ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from inceptionctl.training.distributed.context import DistributedContext, neighbours


class Sum(torch.autograd.Function):
    """The sum over the ranks of a group; so is its gradient, as every rank's loss depends on it."""

    @staticmethod
    def forward(context: Any, tensor: Tensor, peers: dist.ProcessGroup | None) -> Tensor:  # noqa: ANN401
        context.peers, total = peers, tensor.clone()
        dist.all_reduce(total, group=peers)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        total = gradients[0].clone()
        dist.all_reduce(total, group=context.peers)
        return total, None


class GhostBatchNorm2d(nn.BatchNorm2d):
    """Stands in for a batch norm, with its parameters and buffers. `group`: pictures normalised together on this rank;
    `span`: ranks that a group spreads over."""

    def __init__(self, like: nn.BatchNorm2d, group: int, span: int) -> None:
        super().__init__(like.num_features, like.eps, like.momentum)
        self._parameters, self._buffers, self.training = like._parameters, like._buffers, like.training
        self.group, self.span = group, span
        self.total_2C: Tensor | None = None
        self.groups = 0

    def forward(self, x_NCHW: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x_NCHW)
        normalise = self._here if self.span == 1 else self._over_ranks
        return torch.cat([normalise(part) for part in torch.split(x_NCHW, self.group)])

    def _here(self, x_NCHW: Tensor) -> Tensor:
        """At momentum 1, torch's running statistics are those of these pictures."""
        mean_C, variance_C = torch.zeros_like(self._mean), torch.ones_like(self._mean)
        normalised_NCHW = batch_norm(x_NCHW, mean_C, variance_C, self.weight, self.bias, True, 1.0, self.eps)
        self._take(mean_C, variance_C)
        return normalised_NCHW

    def _over_ranks(self, x_NCHW: Tensor) -> Tensor:
        """Moments travel in float64, so that their difference keeps its digits; gradients flow through the exchange."""
        x = x_NCHW.to(torch.promote_types(x_NCHW.dtype, torch.float32))
        axes, wide = (0, 2, 3), torch.float64
        local = torch.stack([x.mean(axes).to(wide), (x.var(axes, correction=0) + x.mean(axes) ** 2).to(wide)])
        mean_C, square_C = Sum.apply(local, neighbours(self.span)) / self.span
        variance_C = (square_C - mean_C**2).clamp(min=0)
        count = self.span * x.numel() / self.num_features
        self._take(mean_C.detach(), variance_C.detach() * count / (count - 1))
        inverse_C = (variance_C + self.eps).rsqrt()
        y = (x - _by_channel(mean_C.to(x.dtype))) * _by_channel(inverse_C.to(x.dtype))
        if self.weight is not None:
            y = y * _by_channel(self.weight)
        return (y + _by_channel(self.bias)).to(x_NCHW.dtype)

    @property
    def _mean(self) -> Tensor:
        assert self.running_mean is not None, "every norm of this package tracks its statistics"
        return self.running_mean

    def _take(self, mean_C: Tensor, variance_C: Tensor) -> None:
        found_2C = torch.cat([mean_C, variance_C]).double()
        self.total_2C = found_2C if self.total_2C is None else self.total_2C + found_2C
        self.groups += 1

    def taken(self) -> Tensor:
        """Mean and variance, averaged over the groups since the last call: (2 C,), float64."""
        assert self.total_2C is not None, "asked of those that have seen some"
        found_2C, self.total_2C, self.groups = self.total_2C / self.groups, None, 0
        return found_2C

    def move(self, towards_2C: Tensor, share: float) -> None:
        """Takes the running statistics `share` of the way."""
        mean_C, variance_C = towards_2C.to(self._mean.dtype).chunk(2)
        self._mean.lerp_(mean_C, share)
        assert self.running_var is not None, "as for the mean"
        self.running_var.lerp_(variance_C, share)


def convert_batch_norm(model: nn.Module, group: int, span: int) -> nn.Module:
    """`model` with every batch norm replaced by one over `group` pictures here and as many on each of `span` ranks."""
    norms = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)]
    for name, norm in norms:
        model.set_submodule(name, GhostBatchNorm2d(norm, group, span))
    return model


def group_norms(model: nn.Module) -> list[GhostBatchNorm2d]:
    return [module for module in model.modules() if isinstance(module, GhostBatchNorm2d)]


@torch.no_grad()
def update_running_stats(
    norms: Sequence[GhostBatchNorm2d], ranks: DistributedContext, share: float | None = None
) -> None:
    """Moves the running statistics towards those of the groups seen since the last call, by each norm's momentum or by
    `share`. One exchange for all layers."""
    norms = [norm for norm in norms if norm.groups]
    if not norms:
        return
    found = ranks.average_(torch.cat([norm.taken() for norm in norms]))
    for norm, towards in zip(norms, torch.split(found, [2 * norm.num_features for norm in norms]), strict=True):
        assert norm.momentum is not None, "every norm of this package has one"
        norm.move(towards, norm.momentum if share is None else share)
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked += 1


def _by_channel(values_C: Tensor) -> Tensor:
    return values_C.view(1, -1, 1, 1)
