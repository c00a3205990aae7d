"""Folds batch norm into the convolution before it: in evaluation mode both are one linear map."""

from __future__ import annotations

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from inceptionctl.models.torch.modules import ConvNormAct


def fold_batch_norm(network: nn.Module) -> None:
    """Changes `network`. Convolutions keep the names of their weights; each gets a bias."""
    for block in network.modules():
        if isinstance(block, ConvNormAct):
            _fold(block)


def _fold(block: ConvNormAct) -> None:
    for (_, conv), (name, norm) in pairwise(list(block.named_children())):
        if isinstance(norm, nn.BatchNorm2d) and isinstance(conv, nn.Conv2d):
            _absorb(conv, norm)
            del block._modules[name]


def _absorb(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """In float64, so that rounding happens once."""
    dtype, mean, var = conv.weight.dtype, norm.running_mean, norm.running_var
    assert mean is not None
    assert var is not None
    scale, shift = (None if t is None else t.double() for t in (norm.weight, norm.bias))
    bias = None if conv.bias is None else conv.bias.double()
    weight, bias = fuse_conv_bn_weights(conv.weight.double(), bias, mean.double(), var.double(), norm.eps, scale, shift)
    conv.weight = nn.Parameter(weight.detach().to(dtype))
    conv.bias = nn.Parameter(bias.detach().to(dtype))
