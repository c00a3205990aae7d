"""How the batch of a step is divided: over ranks, into micro-batches, and into the groups of batch norm. No torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from inceptionctl.errors import RequestError


@dataclass(frozen=True)
class BatchPartition:
    """`batch_size` = `micro_batch` x `accumulation_steps` x `world_size` images, of which batch norm normalises
    `bn_group` together."""

    batch_size: int
    world_size: int
    accumulation_steps: int
    bn_group: int

    @classmethod
    def of(
        cls,
        batch_size: int,
        world_size: int,
        accumulation_steps: int,
        bn_batch_size: int | None,
        has_batch_norm: bool = True,
    ) -> BatchPartition:
        """`bn_batch_size` None: batch norm over the whole batch. Raises RequestError if a division leaves a rest."""
        partition = cls(batch_size, world_size, accumulation_steps, bn_batch_size or batch_size)
        _check_divisible(partition)
        if not has_batch_norm:
            return replace(partition, bn_group=partition.micro_batch)
        _check_groups(partition, "null (the whole batch)" if bn_batch_size is None else str(bn_batch_size))
        return partition

    @property
    def micro_batch(self) -> int:
        """Images of one forward pass of one rank."""
        return self.batch_size // (self.world_size * self.accumulation_steps)

    @property
    def ranks_per_group(self) -> int:
        """Ranks that a group of batch norm spreads over."""
        return max(1, self.bn_group // self.micro_batch)

    @property
    def local_group(self) -> int:
        """Images of a group of batch norm on one rank."""
        return self.bn_group // self.ranks_per_group

    @property
    def needs_ghost_batch_norm(self) -> bool:
        """Whether a group of batch norm is anything but the one forward pass of the one rank."""
        return not self.micro_batch == self.batch_size == self.bn_group


def _check_divisible(partition: BatchPartition) -> None:
    batch_size, world_size, steps = partition.batch_size, partition.world_size, partition.accumulation_steps
    if batch_size % (world_size * steps):
        fitting = [n for n in range(1, world_size + 1) if batch_size % (n * steps) == 0]
        raise RequestError(
            f"train.batch_size = {batch_size} cannot be divided by {world_size} ranks x {steps} accumulation steps\n"
            f"  use {' or '.join(map(str, fitting)) or '(none fits)'} ranks (launch.nproc, or launch.nodes x "
            "launch.gpus_per_node on Slurm), or another train.batch_size"
        )
    if batch_size % (group := partition.bn_group):
        raise RequestError(f"train.bn_batch_size = {group} does not divide train.batch_size = {batch_size}")


def _check_groups(partition: BatchPartition, stated: str) -> None:
    """A group is part of a micro-batch of one rank, or the only micro-batches of several ranks."""
    group, micro_batch, ranks = partition.bn_group, partition.micro_batch, partition.ranks_per_group
    within = group <= micro_batch and micro_batch % group == 0
    across = group == ranks * micro_batch and partition.accumulation_steps == 1 and partition.world_size % ranks == 0
    if not within and not across:
        raise RequestError(
            f"train.bn_batch_size = {stated} does not fit {partition.world_size} ranks x "
            f"{partition.accumulation_steps} accumulation steps x {micro_batch} images: batch norm can normalise a "
            f"divisor of {micro_batch}, or, without accumulation, the images of several ranks\n"
            f"  use train.bn_batch_size={micro_batch}, or other launch.nproc and launch.accumulation_steps"
        )
