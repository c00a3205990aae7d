"""A copy of a network for inference: no auxiliary heads, batch norm folded, sibling 1x1 convolutions merged."""

from __future__ import annotations

from collections import OrderedDict
from copy import deepcopy

from torch import nn

from inceptionctl.models.execution.fold import fold_batch_norm
from inceptionctl.models.execution.merge import merge_siblings
from inceptionctl.models.torch.classifier import Classifier
from inceptionctl.models.torch.modules import AuxHead


def without_heads(model: Classifier) -> nn.Sequential:
    """From images to logits (N, classes), by the same tensors under the same names."""
    stages = [(name, stage) for name, stage in model.named_children() if not isinstance(stage, AuxHead)]
    return nn.Sequential(OrderedDict([*stages, ("flatten", nn.Flatten(1))])).eval()


def for_inference(model: Classifier) -> nn.Sequential:
    """The same function up to rounding with fewer and larger operations. `model` stays as it is."""
    network = deepcopy(without_heads(model))
    fold_batch_norm(network)
    merge_siblings(network)
    return network.requires_grad_(False)
