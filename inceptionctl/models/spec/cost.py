"""Output map, parameters and multiply-adds of every layer of a spec, without torch.

One multiply-add per weight and output position; only convolutions and fully connected layers are counted. Batch norm
has a scale and a shift per channel. These are the conventions of `computed_costs` in papers.yaml.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import singledispatch

from inceptionctl.models.spec.nodes import Cat, Conv, Endpoint, Kernel, Leaf, Linear, Node, Norm, Pool, Res, Sep, Seq
from inceptionctl.models.spec.shapes import (
    FeatureMap,
    ShapeError,
    concatenated,
    fitted_kernel,
    output_map,
    segment_sizes,
)
from inceptionctl.models.spec.walk import join

NORM_PARAMS: dict[Norm, int] = {None: 0, "shift": 1, "full": 2}  # per channel


@dataclass(frozen=True)
class Layer:
    """One leaf at its place. `kernel` is that of the spec fitted to the map."""

    path: str
    node: Leaf
    before: FeatureMap
    after: FeatureMap
    kernel: Kernel
    params: int = 0
    macs: int = 0

    @property
    def kernel_change(self) -> str | None:
        """Says that the kernel was fitted to its map; None for global and adaptive pooling, which fit any map."""
        if isinstance(self.node, Pool) and (self.node.global_ or self.node.grid):
            return None
        stated = getattr(self.node, "kernel", self.kernel)
        if stated == self.kernel:
            return None
        return f"{self.path}: {stated[0]}x{stated[1]} becomes {self.kernel[0]}x{self.kernel[1]} on a {self.before} map"


@dataclass(frozen=True)
class Cost:
    """`layers` in the order of the spec, auxiliary heads where they attach; `out`: the output of the main path."""

    out: FeatureMap
    layers: tuple[Layer, ...]

    @property
    def params(self) -> int:
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def activations(self) -> int:
        """Numbers that the layers write for one image."""
        return sum(layer.after.activations for layer in self.layers)

    @property
    def kernel_changes(self) -> list[str]:
        return [layer.kernel_change for layer in self.layers if layer.kernel_change]


def cost(spec: Node, hw: tuple[int, int], channels: int = 3) -> Cost:
    """The cost of `spec` for an image of `hw` pixels. Raises ShapeError where a map is too small for its layer."""
    return _cost(spec, FeatureMap(*hw, channels), "")


def stages(spec: Seq, hw: tuple[int, int], channels: int = 3) -> Iterator[tuple[str, Node, FeatureMap, Cost]]:
    """The children of a network as (name, node, input map, cost): the rows of a paper's layer table."""
    into = FeatureMap(*hw, channels)
    for name, node in spec:
        stage = _cost(node, into, name)
        yield name, node, into, stage
        into = stage.out


def weight_macs(layer: Layer) -> tuple[int, int]:
    """Weights (without norm and bias) and multiply-adds of one layer."""
    node, c_in, out = layer.node, layer.before.c, layer.after
    match node:
        case Conv():
            weights = math.prod(layer.kernel) * c_in * node.filters
            return weights, weights * out.h * out.w
        case Sep():
            return _separable(node, layer)
        case Linear():
            weights = layer.before.activations * node.features
            return weights, weights
    return 0, 0


def _separable(node: Sep, layer: Layer) -> tuple[int, int]:
    """Weights and multiply-adds of both steps. A 1x1 that comes first works on the map before the stride."""
    c_in, area, before, after = layer.before.c, math.prod(layer.kernel), layer.before, layer.after
    c = node.filters if node.pointwise_first else c_in
    sizes = segment_sizes(node.segments, c) if node.segments else []
    spatial = area * (sum(size * size for size in sizes) if sizes else c * node.multiplier)
    pointwise = c_in * (1 if node.pointwise_first else node.multiplier) * node.filters
    positions = before.h * before.w if node.pointwise_first else after.h * after.w
    return spatial + pointwise, spatial * after.h * after.w + pointwise * positions


def _norm_and_bias(node: Leaf, c_in: int) -> int:
    match node:
        case Conv():
            return node.filters * (NORM_PARAMS[node.norm] + node.bias)
        case Sep():
            first = node.filters if node.pointwise_first else c_in * node.multiplier
            return node.filters * (NORM_PARAMS[node.norm] + node.bias) + first * NORM_PARAMS[node.norm_between]
        case Linear():
            return node.features
    return 0


@singledispatch
def _cost(node: Node, into: FeatureMap, path: str) -> Cost:
    raise TypeError(f"no cost known for {type(node).__name__}")


@_cost.register
def _(node: Leaf, into: FeatureMap, path: str) -> Cost:
    layer = Layer(path, node, into, output_map(node, into, path), fitted_kernel(node, into))
    weights, macs = weight_macs(layer)
    return Cost(layer.after, (replace(layer, params=weights + _norm_and_bias(node, into.c), macs=macs),))


@_cost.register
def _(node: Seq, into: FeatureMap, path: str) -> Cost:
    layers: list[Layer] = []
    for name, child in node:
        stage = _cost(child, into, join(path, name))
        layers += stage.layers
        into = stage.out
    return Cost(into, tuple(layers))


@_cost.register
def _(node: Cat, into: FeatureMap, path: str) -> Cost:
    branches = [_cost(child, into, join(path, name)) for name, child in node]
    grids = {(branch.out.h, branch.out.w) for branch in branches}
    if len(grids) > 1:
        raise ShapeError(f"the branches of {path} end on different grids: {sorted(grids)}")
    out = concatenated([branch.out for branch in branches])
    return Cost(out, tuple(layer for branch in branches for layer in branch.layers))


@_cost.register
def _(node: Res, into: FeatureMap, path: str) -> Cost:
    residual = _cost(Seq(node.children), into, path)
    shortcut = _cost(node.shortcut, into, join(path, "shortcut")) if node.shortcut else Cost(into, ())
    if str(residual.out) != str(shortcut.out):
        raise ShapeError(f"the residual of {path} is {residual.out}, its shortcut {shortcut.out}")
    return Cost(residual.out, (*residual.layers, *shortcut.layers))


@_cost.register
def _(node: Endpoint, into: FeatureMap, path: str) -> Cost:
    return Cost(into, _cost(node.head, into, path).layers if node.head else ())
