"""Batch norm over groups of images of any size, whatever the number of devices.

The papers normalise the 32 images of a replica together. Here the group size is a setting, so that a result does not
depend on devices: a group is part of what a device holds at a time ("ghost batches"), all of it, or more ("SyncBN").
Running statistics are updated once a step, with the mean over all groups of that step on all ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from inceptionctl.training.distributed.context import DistributedContext, subgroup
from inceptionctl.training.partition import BatchPartition


class AllReduceSum(torch.autograd.Function):
    """The sum over the ranks of a group. Its gradient is summed too, since the loss of every rank depends on it."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, group: dist.ProcessGroup | None) -> Tensor:  # noqa: ANN401
        ctx.group, total = group, tensor.clone()
        dist.all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        total = gradients[0].clone()
        dist.all_reduce(total, group=ctx.group)
        return total, None


class GhostBatchNorm2d(nn.BatchNorm2d):
    """Replaces `norm` and shares its parameters and buffers. Normalises `local_group` images of this rank together,
    with those of `num_ranks` ranks."""

    def __init__(self, norm: nn.BatchNorm2d, local_group: int, num_ranks: int) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum)
        self._parameters, self._buffers, self.training = norm._parameters, norm._buffers, norm.training
        self.local_group, self.num_ranks = local_group, num_ranks
        self.sum_2C: Tensor | None = None
        self.num_groups = 0

    def forward(self, x_NCHW: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x_NCHW)
        normalise = self._on_this_rank if self.num_ranks == 1 else self._over_ranks
        return torch.cat([normalise(group) for group in torch.split(x_NCHW, self.local_group)])

    def _on_this_rank(self, x_NCHW: Tensor) -> Tensor:
        """At momentum 1, torch's running statistics are those of this group."""
        mean_C, variance_C = torch.zeros_like(self._mean), torch.ones_like(self._mean)
        normalised_NCHW = batch_norm(x_NCHW, mean_C, variance_C, self.weight, self.bias, True, 1.0, self.eps)
        self._accumulate(mean_C, variance_C)
        return normalised_NCHW

    def _over_ranks(self, x_NCHW: Tensor) -> Tensor:
        """Moments are exchanged in float64, so that their difference keeps its digits; gradients pass through."""
        x = x_NCHW.to(torch.promote_types(x_NCHW.dtype, torch.float32))
        axes, wide = (0, 2, 3), torch.float64
        local = torch.stack([x.mean(axes).to(wide), (x.var(axes, correction=0) + x.mean(axes) ** 2).to(wide)])
        mean_C, square_C = AllReduceSum.apply(local, subgroup(self.num_ranks)) / self.num_ranks
        variance_C = (square_C - mean_C**2).clamp(min=0)
        count = self.num_ranks * x.numel() / self.num_features
        self._accumulate(mean_C.detach(), variance_C.detach() * count / (count - 1))
        inverse_C = (variance_C + self.eps).rsqrt()
        y = (x - _by_channel(mean_C.to(x.dtype))) * _by_channel(inverse_C.to(x.dtype))
        if self.weight is not None:
            y = y * _by_channel(self.weight)
        return (y + _by_channel(self.bias)).to(x_NCHW.dtype)

    @property
    def _mean(self) -> Tensor:
        assert self.running_mean is not None, "every batch norm of this package tracks its statistics"
        return self.running_mean

    def _accumulate(self, mean_C: Tensor, variance_C: Tensor) -> None:
        statistics_2C = torch.cat([mean_C, variance_C]).double()
        self.sum_2C = statistics_2C if self.sum_2C is None else self.sum_2C + statistics_2C
        self.num_groups += 1

    def pop_mean(self) -> Tensor:
        """Mean and variance, averaged over the groups since the last call: (2 C,), float64."""
        assert self.sum_2C is not None, "called only after a forward pass in training mode"
        mean_2C, self.sum_2C, self.num_groups = self.sum_2C / self.num_groups, None, 0
        return mean_2C

    def update(self, statistics_2C: Tensor, weight: float) -> None:
        """Moves the running statistics towards `statistics_2C` by `weight`."""
        mean_C, variance_C = statistics_2C.to(self._mean.dtype).chunk(2)
        self._mean.lerp_(mean_C, weight)
        assert self.running_var is not None, "as for the mean"
        self.running_var.lerp_(variance_C, weight)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked += 1


def convert_batch_norm(model: nn.Module, partition: BatchPartition) -> nn.Module:
    """Replaces every batch norm of `model` by one that normalises the groups of `partition`."""
    norms = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)]
    for name, norm in norms:
        model.set_submodule(name, GhostBatchNorm2d(norm, partition.local_group, partition.ranks_per_group))
    return model


def ghost_batch_norms(model: nn.Module) -> list[GhostBatchNorm2d]:
    return [module for module in model.modules() if isinstance(module, GhostBatchNorm2d)]


@torch.no_grad()
def update_running_stats(
    norms: Sequence[GhostBatchNorm2d], context: DistributedContext, weight: float | None = None
) -> None:
    """Moves the running statistics towards those of the groups since the last call, by each norm's momentum or by
    `weight`. One collective for all layers."""
    norms = [norm for norm in norms if norm.num_groups]
    if not norms:
        return
    means = context.all_reduce_mean_(torch.cat([norm.pop_mean() for norm in norms]))
    for norm, mean_2C in zip(norms, torch.split(means, [2 * norm.num_features for norm in norms]), strict=True):
        assert norm.momentum is not None, "every batch norm of this package has one"
        norm.update(mean_2C, norm.momentum if weight is None else weight)


def _by_channel(values_C: Tensor) -> Tensor:
    return values_C.view(1, -1, 1, 1)
