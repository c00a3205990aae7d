"""Rules for `rewrite`: each takes one node and returns it or its replacement. Functions with a value return a rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from typing_extensions import TypeIs

from inceptionctl.models.spec.nodes import (
    LRN,
    Act,
    Activation,
    Cat,
    Conv,
    Endpoint,
    Linear,
    Named,
    Node,
    Norm,
    Pool,
    Res,
    Sep,
    Seq,
    sequence,
)
from inceptionctl.models.spec.rewrite import Rule, swap


def unstrided(node: Node) -> Node:
    """Stride 1, and padding that keeps the grid."""
    if isinstance(node, Conv | Sep | Pool) and node.stride > 1:
        return replace(node, stride=1, padding="same")
    return node


def batch_norm(norm: Norm) -> Rule:
    """Batch norm of this kind on every convolution; None: a bias instead.

    Convolutions with neither a norm nor an activation (a linear 1x1) stay as they are, and so do fully connected layers
    without a norm (see `head_norm`).
    """

    def rule(node: Node) -> Node:
        if isinstance(node, Conv) and (node.norm or (node.act and not node.global_)):
            return replace(node, norm=norm, bias=norm is None)
        if isinstance(node, Sep):
            return replace(node, norm=norm, bias=norm is None, norm_between=node.norm_between and norm)
        return node

    return rule


def width(factor: float) -> Rule:
    """Scales the filters of every convolution and hidden layer, rounded to a multiple of 8; not the classifier's."""
    return _widened(lambda filters: _multiple_of_8(filters * factor))


def double_width(node: Node) -> Node:
    """Twice the filters of every convolution and hidden layer; not the classifier's."""
    return _widened(lambda filters: 2 * filters)(node)


def _widened(wider: Callable[[int], int]) -> Rule:

    def scaled(name: str, node: Node) -> Node:
        if name == "logits":
            return node
        if isinstance(node, Conv | Sep):
            return replace(node, filters=wider(node.filters))
        return replace(node, features=wider(node.features)) if isinstance(node, Linear) else node

    def rule(node: Node) -> Node:
        if isinstance(node, Res) and node.shortcut:
            node = replace(node, shortcut=scaled("", node.shortcut))
        if isinstance(node, Named):
            node = replace(node, children=tuple((name, scaled(name, child)) for name, child in node))
        return node

    return rule


def drop_heads(node: Node) -> Node:
    """No auxiliary heads; their endpoints stay."""
    return Endpoint() if isinstance(node, Endpoint) else node


def head_norm(norm: bool) -> Rule:
    """Batch norm on the fully connected layer of every auxiliary head, or none (Rethinking, Table 3, last row)."""

    def rule(node: Node) -> Node:
        if isinstance(node, Endpoint) and node.head and isinstance(fc := node.head["fc"], Conv):
            return Endpoint(swap(node.head, fc=replace(fc, norm="full" if norm else None, bias=fc.bias and not norm)))
        return node

    return rule


def drop_lrn(node: Node) -> Node:
    """No local response normalisation."""
    if isinstance(node, Seq):
        return Seq(tuple((name, child) for name, child in node if not isinstance(child, LRN)))
    return node


def one_3x3(node: Node) -> Node:
    """A 3x3 for every 5x5 in a module (torchvision's and TF-slim's GoogLeNet)."""
    return _in_branches(node, lambda layers: _split(layers, _is_5x5, lambda layer: [replace(layer, kernel=(3, 3))]))


def two_3x3(node: Node) -> Node:
    """Two 3x3 for every 5x5 in a module (Rethinking, section 3.1, Figure 5)."""
    return _in_branches(node, lambda layers: _split(layers, _is_5x5, lambda layer: [replace(layer, kernel=(3, 3))] * 2))


def asymmetric(node: Node) -> Node:
    """1xn and nx1 for every nxn in a module (Rethinking, section 3.2, Figure 6)."""

    def row_and_column(layer: Conv) -> list[Conv]:
        n, _ = layer.kernel
        return [replace(layer, kernel=(1, n)), replace(layer, kernel=(n, 1))]

    def is_square(layer: Conv) -> bool:
        return layer.kernel[0] == layer.kernel[1] > 1

    return _in_branches(node, lambda layers: _split(layers, is_square, row_and_column))


def linear_factors(node: Node) -> Node:
    """No activation between the two layers of a factorised one in a module (Rethinking, Figure 2): 1xn and nx1, or two
    3x3."""

    def linear(layers: list[Node]) -> list[Node]:
        for i in range(len(layers) - 1):
            first, second = layers[i], layers[i + 1]
            is_free = i == 0 or not _is_linear(layers[i - 1])  # not the second of a pair already
            if is_free and isinstance(first, Conv) and isinstance(second, Conv) and _are_factors(first, second):
                layers = [*layers[:i], replace(first, act=None), *layers[i + 1 :]]
        return layers

    return _in_branches(node, linear)


def naive(node: Node) -> Node:
    """A module without its 1x1 reductions and its projection (GoogLeNet, Figure 2a instead of 2b)."""
    if not isinstance(node, Cat):
        return node
    return Cat(tuple((name, _without_1x1(branch)) for name, branch in node))


def activation(kind: Activation) -> Rule:
    """Another activation for every ReLU that stands by itself or behind a convolution."""

    def other(act: Activation | None) -> Activation | None:
        return kind if act == "relu" else act

    def rule(node: Node) -> Node:
        if isinstance(node, Sep):
            return replace(node, act=other(node.act), between=other(node.between))
        if isinstance(node, Conv):
            return replace(node, act=other(node.act))
        return replace(node, kind=kind) if isinstance(node, Act) and node.kind == "relu" else node

    return rule


def non_residual(node: Node) -> Node:
    """A residual block without its shortcut; the ReLU after the sum stays."""
    if not isinstance(node, Res):
        return node
    return Seq((*node.children, ("relu", Act()))) if node.relu else Seq(node.children)


def residual_scale(scale: float) -> Rule:
    return lambda node: replace(node, scale=scale) if isinstance(node, Res) else node


def is_xception_s(node: Node) -> TypeIs[Sep]:
    """A separable layer with one filter per channel (unlike BN-Inception's first) and no norm between its steps (unlike
    MobileNet's)."""
    return isinstance(node, Sep) and node.multiplier == 1 and not node.norm_between


def segments(count: int) -> Rule:
    """The spatial step of Xception's layers in `count` groups of channels (Xception, section 1.1)."""
    return lambda node: replace(node, segments=count) if is_xception_s(node) else node


def between(kind: Activation) -> Rule:
    """An activation between the two steps of Xception's layers (Xception, section 4.7 and Figure 10)."""
    return lambda node: replace(node, between=kind) if is_xception_s(node) else node


def pointwise_first(node: Node) -> Node:
    """The 1x1 of Xception's layers before their spatial step (Xception, section 1.1)."""
    return replace(node, pointwise_first=True) if is_xception_s(node) else node


def count_padding(counted: bool) -> Rule:
    """Whether average pools include their padding."""

    def rule(node: Node) -> Node:
        if isinstance(node, Pool) and node.kind == "avg" and node.padding == "same":
            return replace(node, count_padding=counted)
        return node

    return rule


def _multiple_of_8(filters: float) -> int:
    return max(8, 8 * round(filters / 8))


def _in_branches(node: Node, change: Callable[[list[Node]], list[Node]]) -> Node:
    """A module with the layers of each branch changed; any other node as it is."""
    if not isinstance(node, Cat):
        return node

    def changed(branch: Node) -> Node:
        before = [layer for _, layer in branch] if isinstance(branch, Seq) else [branch]
        after = change(before)
        return branch if after == before else sequence(after)

    return Cat(tuple((name, changed(branch)) for name, branch in node))


def _split(layers: list[Node], wanted: Callable[[Conv], bool], parts: Callable[[Conv], list[Conv]]) -> list[Node]:
    """The layers with each `wanted` convolution of stride 1 replaced by its parts."""
    split: list[Node] = []
    for layer in layers:
        split += parts(layer) if isinstance(layer, Conv) and layer.stride == 1 and wanted(layer) else [layer]
    return split


def _is_5x5(layer: Conv) -> bool:
    return layer.kernel == (5, 5)


def _are_factors(first: Conv, second: Conv) -> bool:
    (h, w), transposed = first.kernel, second.kernel[::-1]
    is_row_and_column = (h == 1) != (w == 1) and (h, w) == transposed
    return first.stride == 1 and (is_row_and_column or (h, w) == transposed == (3, 3))


def _is_linear(layer: Node) -> bool:
    return isinstance(layer, Conv) and layer.act is None


def _without_1x1(branch: Node) -> Node:
    """A branch of several layers without its 1x1 convolutions."""
    if not isinstance(branch, Seq):
        return branch
    kept = [layer for _, layer in branch if not (isinstance(layer, Conv) and layer.kernel == (1, 1))]
    return kept[0] if len(kept) == 1 else sequence(kept)
