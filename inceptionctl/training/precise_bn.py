"""Batch norm statistics of averaged weights, recomputed over the training set: averaged running statistics would be
those of other weights."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from inceptionctl.data.loader import TrainingBatch
from inceptionctl.training.device import ToDevice
from inceptionctl.training.distributed.batch_norm import convert_batch_norm, ghost_batch_norms, update_running_stats
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.training.partition import BatchPartition


@torch.no_grad()
def recompute(
    ema: nn.Module,
    batches: Iterable[TrainingBatch],
    to_device: ToDevice,
    partition: BatchPartition,
    context: DistributedContext,
) -> None:
    """Sets the statistics of every batch norm of `ema` to their mean over the groups of `batches`, this rank's part of
    an epoch."""
    convert_batch_norm(ema, partition).eval()
    norms = ghost_batch_norms(ema)
    for norm in norms:
        norm.train()
    for batch in batches:
        ema(to_device(batch)[0])
    update_running_stats(norms, context, weight=1.0)
    ema.eval()
