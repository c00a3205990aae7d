"""The names and shapes of a network's tensors, in the order of torch's state dict; without torch."""

from __future__ import annotations

from collections.abc import Iterator

from inceptionctl.models.spec.cost import Layer, cost
from inceptionctl.models.spec.nodes import Conv, Linear, Node, Norm, Sep
from inceptionctl.models.spec.shapes import segment_sizes
from inceptionctl.models.spec.walk import join

Shape = tuple[int, ...]


def tensors(spec: Node, hw: tuple[int, int], channels: int = 3) -> dict[str, Shape]:
    """Those of `build(spec, hw, channels)`. Raises ShapeError where a map is too small for its layer."""
    return {join(layer.path, name): shape for layer in cost(spec, hw, channels).layers for name, shape in _of(layer)}


def _of(layer: Layer) -> Iterator[tuple[str, Shape]]:
    node, c_in = layer.node, layer.before.c
    match node:
        case Conv():
            yield from _conv("conv", (node.filters, c_in, *layer.kernel), node.bias)
            yield from _norm("bn", node.filters, node.norm)
        case Sep():
            yield from _separable(node, c_in)
            yield from _norm("bn", node.filters, node.norm)
        case Linear():
            inside = "linear." if node.relu else ""
            yield f"{inside}weight", (node.features, layer.before.activations)
            yield f"{inside}bias", (node.features,)


def _separable(node: Sep, c_in: int) -> Iterator[tuple[str, Shape]]:
    c = node.filters if node.pointwise_first else c_in
    wide = c * node.multiplier
    spatial = list(_spatial(node, c, wide))
    between = list(_norm("bn_between", wide, node.norm_between))
    c_pointwise = c_in if node.pointwise_first else wide
    pointwise = list(_conv("pointwise", (node.filters, c_pointwise, 1, 1), node.bias and not node.pointwise_first))
    first, last = (pointwise, spatial) if node.pointwise_first else (spatial, pointwise)
    yield from (*first, *between, *last)


def _spatial(node: Sep, c: int, wide: int) -> Iterator[tuple[str, Shape]]:
    bias = node.bias and node.pointwise_first
    if node.segments and c % node.segments:
        for i, size in enumerate(segment_sizes(node.segments, c)):
            yield from _conv(f"depthwise.{i}", (size, size, *node.kernel), bias)
    else:
        yield from _conv("depthwise", (wide, c // (node.segments or c), *node.kernel), bias)


def _conv(name: str, shape: Shape, bias: bool) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.weight", shape
    if bias:
        yield f"{name}.bias", shape[:1]


def _norm(name: str, channels: int, norm: Norm) -> Iterator[tuple[str, Shape]]:
    if norm:
        kinds = ("weight", "bias") if norm == "full" else ("bias",)
        yield from ((f"{name}.{kind}", (channels,)) for kind in (*kinds, "running_mean", "running_var"))
        yield f"{name}.num_batches_tracked", ()
