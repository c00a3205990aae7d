"""The processes that train one run together. With one process, every collective does nothing."""

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
    """This process: `rank` of `world_size`, on device `local_rank` of its machine."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0

    @classmethod
    def from_env(cls) -> DistributedContext:
        """From the variables that torch elastic, or the script of a Slurm job, sets."""
        world_size = int(os.environ.get("WORLD_SIZE", "1"))
        if world_size == 1:
            return cls()
        return cls(int(os.environ["RANK"]), world_size, int(os.environ["LOCAL_RANK"]))

    @property
    def is_main(self) -> bool:
        """Whether this is rank 0, which writes the run folder."""
        return self.rank == 0

    @property
    def is_distributed(self) -> bool:
        return self.world_size > 1

    def all_reduce_any(self, *flags: bool) -> list[bool]:
        """Whether each flag is set on any rank."""
        if not self.is_distributed:
            return list(flags)
        reduced = torch.tensor(flags, dtype=torch.uint8)
        dist.all_reduce(reduced, dist.ReduceOp.MAX)
        return [bool(flag) for flag in reduced.tolist()]

    def all_reduce_mean(self, values: Sequence[float]) -> list[float]:
        """The mean over ranks of each value, in float64."""
        if not self.is_distributed or not values:
            return list(values)
        sums = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(sums)
        means: list[float] = (sums / self.world_size).tolist()
        return means

    def all_reduce_mean_(self, tensor: Tensor) -> Tensor:
        """Replaces `tensor` by its mean over ranks."""
        if self.is_distributed:
            dist.all_reduce(tensor)
            tensor /= self.world_size
        return tensor

    def all_gather(self, tensor: Tensor, shapes: Sequence[Sequence[int]]) -> list[Tensor]:
        """The CPU tensor of each rank. All ranks pass the same `shapes`, one for each rank, empty ones included; the
        dtype is the same on all."""
        if not self.is_distributed:
            return [tensor]
        parts = [tensor if r == self.rank else tensor.new_empty(tuple(shape)) for r, shape in enumerate(shapes)]
        for source, part in enumerate(parts):
            if part.numel():
                dist.broadcast(part, source)
        return parts

    def shutdown(self) -> None:
        """Leaves the process group: the other ranks no longer wait for this one."""
        if self.is_distributed and dist.is_initialized():
            dist.destroy_process_group()


def init_process_group(device: torch.device, timeout_s: float) -> DistributedContext:
    """Connects the ranks: gloo between CPUs, NCCL between GPUs. A collective that takes longer than `timeout_s`, or
    loses a rank, raises (see `is_peer_failure`)."""
    context = DistributedContext.from_env()
    if context.is_distributed:
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=timedelta(seconds=timeout_s))
    return context


@cache  # creating a group is a collective
def subgroup(num_ranks: int) -> dist.ProcessGroup:
    """The group of `num_ranks` consecutive ranks that this one belongs to. Every rank has to call it."""
    group, _ = dist.new_subgroups(num_ranks)
    return group


def is_peer_failure(error: Exception) -> bool:
    """Whether a collective failed because another rank exited.

    NCCL and the key-value store raise DistError. gloo raises a bare RuntimeError, told from others only by its text,
    which names the line in gloo's source: the one place in this program that reads the text of an error.
    """
    if isinstance(error, dist.DistError):
        return True
    return type(error) is RuntimeError and dist.is_gloo_available() and "gloo" in str(error).lower()
