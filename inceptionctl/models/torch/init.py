"""Initial weights. Most papers do not state theirs: `Architecture.about` says where a scheme comes from."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from inceptionctl.models.spec.nodes import Conv, Linear, Node, Sep
from inceptionctl.models.spec.walk import walk

TRUNCATED_STD = 0.87962566103423978  # of a unit normal truncated at two standard deviations, as TensorFlow's
Weighted = nn.Conv2d | nn.Linear
Scheme = Callable[[Weighted], None]


def initialise(model: nn.Module, spec: Node, scheme: str, stated: bool = True) -> None:
    """Fills the weights of `model`, built from `spec`, by `scheme`, and its biases with zeros; leaves batch norm alone.

    `stated`: weights whose spec names a standard deviation are drawn again with it. Uses torch's default generator.
    """
    fill = SCHEMES[scheme]
    for module in model.modules():
        if isinstance(module, Weighted):
            fill(module)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for path, node in walk(spec) if stated else ():
        if isinstance(node, Conv | Linear | Sep) and node.init is not None:
            for module in model.get_submodule(path).modules():
                if isinstance(module, Weighted):
                    truncated_normal(module, node.init)


def he(layer: Weighted) -> None:
    """Truncated normal with the variance of He et al. by fan-in, as TF-slim."""
    truncated_normal(layer, math.sqrt(2 / layer.weight[0].numel()) / TRUNCATED_STD)


def xavier(layer: Weighted) -> None:
    nn.init.xavier_uniform_(layer.weight)


@torch.no_grad()
def truncated_normal(layer: Weighted, deviation: float) -> None:
    """Redraws values beyond two deviations, as TensorFlow does.

    torch's own inverts the error function for every weight, which takes twelve times as long.
    """
    weights = layer.weight.normal_(0.0, deviation).view(-1)
    outside = (weights.abs() > 2 * deviation).nonzero()[:, 0]
    while len(outside):
        redrawn = torch.randn(len(outside), device=weights.device) * deviation
        weights[outside] = redrawn
        outside = outside[redrawn.abs() > 2 * deviation]


SCHEMES: dict[str, Scheme] = {
    "he": he,
    "xavier": xavier,
    "truncated_normal": lambda layer: truncated_normal(layer, 0.1),
    "truncated_normal_0.01": lambda layer: truncated_normal(layer, 0.01),
}
