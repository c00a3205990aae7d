"""Initial weights. Most papers do not state theirs: `Architecture.about` says where a scheme comes from."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from inceptionctl.models.spec.nodes import Conv, Linear, Named, Node, Res, Sep, Tap

TRUNCATION = 0.87962566103423978  # deviation that is left of a unit normal cut at two deviations, as TensorFlow cuts
Weighted = nn.Conv2d | nn.Linear
Scheme = Callable[[Weighted], None]


def initialise(model: nn.Module, spec: Node, scheme: str, stated: bool = True) -> None:
    """Fills `model`, built from `spec`, from torch's generator: by `scheme`, but for the weights whose spec names a
    deviation if these are to count (`stated`); biases zero; batch norm as it is."""
    fill = SCHEMES[scheme]
    for module in model.modules():
        if isinstance(module, Weighted):
            fill(module)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for path, deviation in _stated(spec, "") if stated else []:
        for module in model.get_submodule(path).modules():
            if isinstance(module, Weighted):
                truncated_normal(module, deviation)


def he(layer: Weighted) -> None:
    """Truncated normal with the variance of He et al. over the fan-in, as TF-slim."""
    truncated_normal(layer, math.sqrt(2 / layer.weight[0].numel()) / TRUNCATION)


def xavier(layer: Weighted) -> None:
    nn.init.xavier_uniform_(layer.weight)


@torch.no_grad()
def truncated_normal(layer: Weighted, deviation: float) -> None:
    """A normal whose values beyond two deviations are drawn again, as TensorFlow's. Torch's inverts the error function
    for every weight, which takes twelve times as long; SciPy's takes a minute for the larger networks."""
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


def _stated(node: Node, path: str) -> list[tuple[str, float]]:
    """The leaves that name a deviation, by the path of their module."""
    if isinstance(node, Tap):
        return _stated(node.head, path) if node.head else []
    if isinstance(node, Named):
        named = [*node, *([("shortcut", node.shortcut)] if isinstance(node, Res) and node.shortcut else [])]
        return [leaf for name, child in named for leaf in _stated(child, f"{path}.{name}".lstrip("."))]
    deviation = node.init if isinstance(node, Conv | Linear | Sep) else None
    return [] if deviation is None else [(path, deviation)]
