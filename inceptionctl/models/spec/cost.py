"""What a spec turns its input into and what that takes, layer by layer, without torch.

One multiply-add per weight and output position; only convolutions and fully connected layers are counted. Batch norm
has a scale and a shift a channel. These are the conventions of `computed_costs` in papers.yaml.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import singledispatch

from inceptionctl.errors import RequestError
from inceptionctl.models.spec.nodes import (
    LRN,
    Act,
    Cat,
    Conv,
    Dropout,
    Kernel,
    Linear,
    Node,
    Norm,
    Pool,
    Res,
    Sep,
    Seq,
    Tap,
)

Leaf = Conv | Sep | Pool | LRN | Act | Dropout | Linear
PER_CHANNEL: dict[Norm, int] = {None: 0, "shift": 1, "full": 2}  # parameters of batch norm


class ShapeError(RequestError):
    """A spec that does not survive its input; the message names the layer and the map it gets."""


@dataclass(frozen=True)
class Map:
    """A feature map; `field` is the receptive field of one of its positions in input pixels, `jump` their distance."""

    h: int
    w: int
    c: int
    field: Kernel = (1, 1)
    jump: int = 1

    def __str__(self) -> str:
        return f"{self.h}x{self.w}x{self.c}"

    @property
    def activations(self) -> int:
        return self.h * self.w * self.c


@dataclass(frozen=True)
class Layer:
    """One leaf at its place. `kernel` is the one in force, after cuts; `asked` the one in the spec."""

    path: str
    node: Leaf
    before: Map
    after: Map
    kernel: Kernel
    params: int
    macs: int

    @property
    def cut(self) -> str | None:
        """Says how a kernel was fitted to its map, or None. A pool over the whole map is global whatever its size, one
        to a grid has windows to suit."""
        if isinstance(self.node, Pool) and (self.node.whole or self.node.grid):
            return None
        asked = getattr(self.node, "kernel", self.kernel)
        if asked == self.kernel:
            return None
        return f"{self.path}: {asked[0]}x{asked[1]} becomes {self.kernel[0]}x{self.kernel[1]} on a {self.before} map"


@dataclass(frozen=True)
class Cost:
    """`layers` in the order of the spec, side heads where they attach; `out` is what the main path ends in."""

    out: Map
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
    def cuts(self) -> list[str]:
        return [layer.cut for layer in self.layers if layer.cut]


def cost(spec: Node, hw: tuple[int, int], channels: int = 3) -> Cost:
    """Walks `spec` from an image of `hw` pixels. Raises ShapeError where a layer gets less than it needs."""
    return _walk(spec, Map(*hw, channels), "")


def weight_macs(layer: Layer) -> tuple[int, int]:
    """Weights (norm and bias left out) and multiply-adds of one layer."""
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


def parts(count: int, channels: int) -> list[int]:
    """The sizes of `count` segments of so many channels, as equal as can be."""
    whole, rest = divmod(channels, count)
    return [whole + 1] * rest + [whole] * (count - rest)


def _separable(node: Sep, layer: Layer) -> tuple[int, int]:
    """Weights and multiply-adds of both steps. Where the 1x1 comes first, it works on the map before the stride."""
    c_in, area, before, after = layer.before.c, math.prod(layer.kernel), layer.before, layer.after
    c = node.filters if node.pointwise_first else c_in
    spatial = sum(p * p for p in parts(node.segments, c)) * area if node.segments else c * node.multiplier * area
    pointwise = c_in * (1 if node.pointwise_first else node.multiplier) * node.filters
    there = before.h * before.w if node.pointwise_first else after.h * after.w
    return spatial + pointwise, spatial * after.h * after.w + pointwise * there


@singledispatch
def _walk(node: Node, into: Map, path: str) -> Cost:
    raise TypeError(f"no cost known for {type(node).__name__}")


@_walk.register(Conv)
@_walk.register(Sep)
@_walk.register(Pool)
@_walk.register(LRN)
@_walk.register(Act)
@_walk.register(Dropout)
@_walk.register(Linear)
def _(node: Leaf, into: Map, path: str) -> Cost:
    kernel = fitted_kernel(node, into)
    layer = Layer(path, node, into, _after(node, into, kernel, path), kernel, 0, 0)
    weights, macs = weight_macs(layer)
    return Cost(layer.after, (replace(layer, params=weights + _norm_and_bias(node, into.c), macs=macs),))


@_walk.register
def _(node: Seq, into: Map, path: str) -> Cost:
    layers: list[Layer] = []
    for name, child in node:
        part = _walk(child, into, _join(path, name))
        layers += part.layers
        into = part.out
    return Cost(into, tuple(layers))


@_walk.register
def _(node: Cat, into: Map, path: str) -> Cost:
    parts = [_walk(child, into, _join(path, name)) for name, child in node]
    grids = {(part.out.h, part.out.w) for part in parts}
    if len(grids) > 1:
        raise ShapeError(f"the branches of {path} end on different grids: {sorted(grids)}")
    return Cost(_joined([part.out for part in parts]), tuple(layer for part in parts for layer in part.layers))


@_walk.register
def _(node: Res, into: Map, path: str) -> Cost:
    inner = _walk(Seq(node.children), into, path)
    shortcut = _walk(node.shortcut, into, _join(path, "shortcut")) if node.shortcut else Cost(into, ())
    if str(inner.out) != str(shortcut.out):
        raise ShapeError(f"the residual of {path} is {inner.out}, its shortcut {shortcut.out}")
    return Cost(inner.out, (*inner.layers, *shortcut.layers))


@_walk.register
def _(node: Tap, into: Map, path: str) -> Cost:
    return Cost(into, _walk(node.head, into, path).layers if node.head else ())


def fitted_kernel(node: Node, into: Map) -> Kernel:
    """The kernel that `node` really has on this map: the map's size if it is `whole`, at most that if it is
    `cut`, the windows' size if it pools to a `grid`."""
    kernel: Kernel = getattr(node, "kernel", (1, 1))
    if getattr(node, "whole", False):
        return into.h, into.w
    if grid := getattr(node, "grid", None):
        return -(-into.h // grid), -(-into.w // grid)
    if getattr(node, "cut", False):
        return min(kernel[0], into.h), min(kernel[1], into.w)
    return kernel


def _after(node: Leaf, into: Map, kernel: Kernel, path: str) -> Map:
    if isinstance(node, Dropout | LRN | Act):
        return into
    if isinstance(node, Linear):
        return Map(1, 1, node.features, _field(into, (into.h, into.w)), into.jump)
    h, w = (_grid(size, k, node) for size, k in zip((into.h, into.w), kernel, strict=True))
    if min(h, w) < 1:
        raise ShapeError(f"{path} needs a map of at least {kernel[0]}x{kernel[1]} and gets {into.h}x{into.w}")
    c = into.c if isinstance(node, Pool) else node.filters
    return Map(h, w, c, _field(into, kernel), into.jump * node.stride)


def _field(into: Map, kernel: Kernel) -> Kernel:
    return into.field[0] + (kernel[0] - 1) * into.jump, into.field[1] + (kernel[1] - 1) * into.jump


def _grid(size: int, kernel: int, node: Conv | Sep | Pool) -> int:
    if isinstance(node, Pool) and node.grid:
        return node.grid
    if node.padding in ("same", "tensorflow"):
        return -(-size // node.stride)
    left_over = size + 2 * node.padding - kernel if isinstance(node.padding, int) else size - kernel
    return (-(-left_over // node.stride) if node.padding == "ceil" else left_over // node.stride) + 1


def _norm_and_bias(node: Leaf, c_in: int) -> int:
    match node:
        case Conv():
            return node.filters * (PER_CHANNEL[node.norm] + node.bias)
        case Sep():
            first = node.filters if node.pointwise_first else c_in * node.multiplier
            return node.filters * (PER_CHANNEL[node.norm] + node.bias) + first * PER_CHANNEL[node.norm_between]
        case Linear():
            return node.features
    return 0


def _joined(maps: list[Map]) -> Map:
    """One map with all channels; its receptive field is the largest."""
    field = (max(m.field[0] for m in maps), max(m.field[1] for m in maps))
    return Map(maps[0].h, maps[0].w, sum(m.c for m in maps), field, max(m.jump for m in maps))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def stages(spec: Seq, hw: tuple[int, int], channels: int = 3) -> Iterator[tuple[str, Node, Map, Cost]]:
    """The children of a network one by one, as (name, node, input map, cost): the rows of a paper's layer table."""
    into = Map(*hw, channels)
    for name, node in spec:
        part = _walk(node, into, name)
        yield name, node, into, part
        into = part.out
