"""Statistics of batch norm for averaged weights, from the training set itself: the average of running statistics is
that of other weights."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from inceptionctl.data.loader import Batch
from inceptionctl.training.distributed.batch_norm import convert_batch_norm, group_norms, update_running_stats
from inceptionctl.training.partition import Layout
from inceptionctl.training.step import Step, on_device


@torch.no_grad()
def recompute(average: nn.Module, batches: Iterable[Batch], step: Step, layout: Layout) -> None:
    """Gives every batch norm of `average` the mean statistics of the groups of `batches`, this rank's share of an
    epoch."""
    convert_batch_norm(average, layout.group // layout.span, layout.span).eval()
    norms = group_norms(average)
    for norm in norms:
        norm.train()
    for batch in batches:
        average(on_device(batch, step.device, step.memory_format, step.normalise)[0])
    update_running_stats(norms, step.ranks, share=1.0)
    average.eval()
