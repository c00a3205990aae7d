"""What can be done to any network, node by node: rules for `rewrite`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from typing_extensions import TypeIs

from inceptionctl.models.spec.rewrite import Rule, swap
from inceptionctl.models.spec.nodes import (
    LRN, Act, Activation, Cat, Conv, Linear, Named, Node, Norm, Pool, Res, Sep, Seq, Endpoint,
)  # fmt: skip


def unstrided(node: Node) -> Node:
    """A rule: keeps the grid. Stride 1, and padding where there was none."""
    if isinstance(node, Conv | Sep | Pool) and node.stride > 1:
        return replace(node, stride=1, padding="same")
    return node


def batch_norm(norm: Norm) -> Rule:
    """Batch norm of this kind on every convolution, or none and a bias instead. What has neither a norm nor an
    activation (a linear 1x1) is left alone, and so is a fully connected layer without one (see `head_norm`)."""

    def rule(node: Node) -> Node:
        if isinstance(node, Conv) and (node.norm or (node.act and not node.global_)):
            return replace(node, norm=norm, bias=norm is None)
        if isinstance(node, Sep):
            return replace(node, norm=norm, bias=norm is None, norm_between=node.norm_between and norm)
        return node

    return rule


def width(factor: float) -> Rule:
    """Scales the filters of every convolution and hidden layer, rounded to a multiple of 8; never the classifier's."""

    def scaled(name: str, node: Node) -> Node:
        if name == "logits":
            return node
        if isinstance(node, Conv | Sep):
            return replace(node, filters=_eights(node.filters * factor))
        return replace(node, features=_eights(node.features * factor)) if isinstance(node, Linear) else node

    def rule(node: Node) -> Node:
        if isinstance(node, Res) and node.shortcut:
            node = replace(node, shortcut=scaled("", node.shortcut))
        if isinstance(node, Named):
            node = replace(node, children=tuple((name, scaled(name, child)) for name, child in node))
        return node

    return rule


def drop_heads(node: Node) -> Node:
    """A rule: no auxiliary heads; their taps stay."""
    return Endpoint() if isinstance(node, Endpoint) else node


def head_norm(norm: bool) -> Rule:
    """Batch norm on the fully connected layer of every auxiliary head, or none (Rethinking, Table 3, last row)."""

    def rule(node: Node) -> Node:
        if isinstance(node, Endpoint) and isinstance(node.head, Seq) and isinstance(fc := node.head["fc"], Conv):
            return Endpoint(swap(node.head, fc=replace(fc, norm="full" if norm else None, bias=fc.bias and not norm)))
        return node

    return rule


def drop_lrn(node: Node) -> Node:
    """A rule: no local response normalisation."""
    if isinstance(node, Seq):
        return Seq(tuple((name, child) for name, child in node if not isinstance(child, LRN)))
    return node


def one_3x3(node: Node) -> Node:
    """A rule: a 3x3 in place of every 5x5 in a module (torchvision's and TF-slim's GoogLeNet)."""
    return _in_branches(node, lambda steps: _split(steps, _is_5x5, lambda layer: [replace(layer, kernel=(3, 3))]))


def two_3x3(node: Node) -> Node:
    """A rule: two 3x3 in place of every 5x5 in a module (Rethinking, section 3.1, Figure 5)."""
    return _in_branches(node, lambda steps: _split(steps, _is_5x5, lambda layer: [replace(layer, kernel=(3, 3))] * 2))


def asymmetric(node: Node) -> Node:
    """A rule: 1xn and nx1 in place of every nxn in a module (Rethinking, section 3.2, Figure 6)."""

    def halves(layer: Conv) -> list[Conv]:
        n, _ = layer.kernel
        return [replace(layer, kernel=(1, n)), replace(layer, kernel=(n, 1))]

    return _in_branches(node, lambda steps: _split(steps, lambda layer: layer.kernel[0] == layer.kernel[1] > 1, halves))


def linear_factors(node: Node) -> Node:
    """A rule: no activation between the two layers that one was factorised into, in modules (Rethinking, Figure 2):
    1xn and nx1, or two 3x3."""

    def linear(steps: list[Node]) -> list[Node]:
        for i in range(len(steps) - 1):
            first, second = steps[i], steps[i + 1]
            opens = i == 0 or not _linear(steps[i - 1])  # the second half of a pair opens none
            if opens and isinstance(first, Conv) and isinstance(second, Conv) and _factors(first, second):
                steps = [*steps[:i], replace(first, act=None), *steps[i + 1 :]]
        return steps

    return _in_branches(node, linear)


def naive(node: Node) -> Node:
    """A rule: a module without its 1x1 reductions and its projection (GoogLeNet, Figure 2a against 2b)."""
    if not isinstance(node, Cat):
        return node
    return Cat(tuple((name, _unreduced(branch)) for name, branch in node))


def non_residual(node: Node) -> Node:
    """A rule: what the block makes of its input, without the input; the ReLU behind the sum stays."""
    if not isinstance(node, Res):
        return node
    return Seq((*node.children, ("relu", Act()))) if node.relu else Seq(node.children)


def residual_scale(scale: float) -> Rule:
    return lambda node: replace(node, scale=scale) if isinstance(node, Res) else node


def is_xception_s(node: Node) -> TypeIs[Sep]:
    """One filter a channel, so not the opening layer of BN-Inception, and nothing between the steps (MobileNet)."""
    return isinstance(node, Sep) and node.multiplier == 1 and not node.norm_between


def segments(count: int) -> Rule:
    """The spatial step of every Sep mixes the channels in `count` groups (Xception, section 1.1)."""
    return lambda node: replace(node, segments=count) if is_xception_s(node) else node


def between(kind: Activation) -> Rule:
    """An activation between the two steps of every Sep (Xception, section 4.7 and Figure 10)."""
    return lambda node: replace(node, between=kind) if is_xception_s(node) else node


def pointwise_first(node: Node) -> Node:
    """A rule: the 1x1 of every Sep comes first (Xception, section 1.1)."""
    return replace(node, pointwise_first=True) if is_xception_s(node) else node


def count_padding(counted: bool) -> Rule:
    """Whether the zeros around a map count in the averages of its pools."""

    def rule(node: Node) -> Node:
        if isinstance(node, Pool) and node.kind == "avg" and node.padding == "same":
            return replace(node, count_padding=counted)
        return node

    return rule


def _eights(filters: float) -> int:
    return max(8, 8 * round(filters / 8))


def _in_branches(node: Node, change: Callable[[list[Node]], list[Node]]) -> Node:
    """A rule on modules: `change` gets the layers of each branch."""
    if not isinstance(node, Cat):
        return node

    def branch(child: Node) -> Node:
        steps = [step for _, step in child] if isinstance(child, Seq) else [child]
        changed = change(steps)
        return child if changed == steps else Seq(tuple((str(i), step) for i, step in enumerate(changed)))

    return Cat(tuple((name, branch(child)) for name, child in node))


def _split(steps: list[Node], chosen: Callable[[Conv], bool], parts: Callable[[Conv], list[Conv]]) -> list[Node]:
    """The layers with each unstrided one that is `chosen` replaced by its parts."""
    split: list[Node] = []
    for step in steps:
        split += parts(step) if isinstance(step, Conv) and step.stride == 1 and chosen(step) else [step]
    return split


def _is_5x5(layer: Conv) -> bool:
    return layer.kernel == (5, 5)


def _factors(first: Conv, second: Conv) -> bool:
    (h, w), turned = first.kernel, second.kernel[::-1]
    asymmetric_pair = (h == 1) != (w == 1) and (h, w) == turned
    return first.stride == 1 and (asymmetric_pair or (h, w) == turned == (3, 3))


def _linear(step: Node) -> bool:
    return isinstance(step, Conv) and step.act is None


def _unreduced(branch: Node) -> Node:
    """Without every 1x1 that stands before or behind another layer."""
    if not isinstance(branch, Seq):
        return branch
    kept = [step for _, step in branch if not (isinstance(step, Conv) and step.kernel == (1, 1))]
    return kept[0] if len(kept) == 1 else Seq(tuple((str(i), step) for i, step in enumerate(kept)))
