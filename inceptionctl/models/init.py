"""Initial weights. The papers do not state theirs; this is what the TF-slim release does (architectures.md 3)."""

from __future__ import annotations

import math

from torch import nn

from inceptionctl.models.spec import Conv, Linear, Named, Node, Tap

TRUNCATION = 0.87962566103423978  # deviation that is left of a unit normal cut at two deviations, as TensorFlow cuts


def initialise(model: nn.Module, spec: Node) -> None:
    """Fills `model`, built from `spec`, from torch's generator: He (fan-in, truncated normal) for every weight but
    those whose spec names a deviation; biases zero; batch norm as it is."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            fan_in = module.weight[0].numel()
            _fill(module, math.sqrt(2 / fan_in) / TRUNCATION)
    for path, deviation in _stated(spec, ""):
        _fill(_weighted(model.get_submodule(path)), deviation)


def _stated(node: Node, path: str) -> list[tuple[str, float]]:
    """The leaves that name a deviation, by the path of their module."""
    if isinstance(node, Tap):
        return _stated(node.head, path) if node.head else []
    if isinstance(node, Named):
        return [leaf for name, child in node for leaf in _stated(child, f"{path}.{name}".lstrip("."))]
    deviation = node.init if isinstance(node, Conv | Linear) else None
    return [] if deviation is None else [(path, deviation)]


def _weighted(module: nn.Module) -> nn.Conv2d | nn.Linear:
    return next(part for part in module.modules() if isinstance(part, nn.Conv2d | nn.Linear))


def _fill(layer: nn.Conv2d | nn.Linear, deviation: float) -> None:
    nn.init.trunc_normal_(layer.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
