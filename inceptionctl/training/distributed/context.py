"""The processes that work on one run. Alone, every exchange between them is a no-op."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class DistributedContext:
    """This process, `rank` of `size`, on the `local`-th device of its machine."""

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        return self.size == 1

    def any(self, *flags: bool) -> list[bool]:
        """Whether each is so on any rank; the same answer on all."""
        if self.alone:
            return list(flags)
        found = torch.tensor(flags, dtype=torch.uint8)
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return [bool(flag) for flag in found.tolist()]

    def means(self, values: Sequence[float]) -> list[float]:
        """The mean over ranks of each value, in float64."""
        if self.alone or not values:
            return list(values)
        sums = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(sums)
        means: list[float] = (sums / self.size).tolist()
        return means

    def average_(self, tensor: Tensor) -> Tensor:
        """`tensor`, in place, as the mean over ranks."""
        if not self.alone:
            dist.all_reduce(tensor)
            tensor /= self.size
        return tensor

    def collect(self, tensor: Tensor, shapes: Sequence[Sequence[int]]) -> list[Tensor]:
        """The CPU tensors of all ranks, whose `shapes` everybody knows; of one dtype, not necessarily of one shape."""
        if self.alone:
            return [tensor]
        found = [tensor if r == self.rank else tensor.new_empty(tuple(shape)) for r, shape in enumerate(shapes)]
        for source, piece in enumerate(found):
            dist.broadcast(piece, source)
        return found

    def leave(self) -> None:
        if not self.alone and dist.is_initialized():
            dist.destroy_process_group()


@cache  # making one takes an exchange between all ranks
def neighbours(count: int) -> dist.ProcessGroup:
    """The group of `count` consecutive ranks that this one is in; every rank has to ask."""
    group, _ = dist.new_subgroups(count)
    return group


def here() -> DistributedContext:
    """What the environment that torch elastic, or srun's script, has set says of this process."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return DistributedContext()
    return DistributedContext(int(os.environ["RANK"]), size, int(os.environ["LOCAL_RANK"]))


def is_of_a_lost_peer(error: Exception) -> bool:
    """Whether an exchange failed because another rank is gone; gloo says so in words alone."""
    return isinstance(error, dist.DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error).lower())


def join(device: torch.device, lock_timeout_s: float) -> DistributedContext:
    """Meets the other ranks: gloo between CPUs, NCCL between GPUs. An exchange that takes longer than `patience_s`
    raises, as one with a rank that is gone does."""
    ranks = here()
    if not ranks.alone:
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=timedelta(seconds=lock_timeout_s))
    return ranks
