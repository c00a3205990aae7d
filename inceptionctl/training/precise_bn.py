"""Statistics of batch norm for averaged weights, from the training set itself: the average of running statistics is
that of other weights."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from inceptionctl.data.loader import Batch
from inceptionctl.training.distributed.batch_norm import group_norms, grouped, settle
from inceptionctl.training.partition import Layout
from inceptionctl.training.step import Step, on_device


@torch.no_grad()
def recompute(average: nn.Module, batches: Iterable[Batch], step: Step, layout: Layout) -> None:
    """Gives every batch norm of `average` the mean statistics of the groups of `batches`, this rank's share of an
    epoch."""
    grouped(average, layout.group // layout.span, layout.span).eval()
    norms = group_norms(average)
    for norm in norms:
        norm.train()
    for batch in batches:
        average(on_device(batch, step.device, step.memory_format, step.normalise)[0])
    settle(norms, step.ranks, share=1.0)
    average.eval()
