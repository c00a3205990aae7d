"""Ablations of structure: pure functions from spec to spec.

`REWRITES` holds the named switches of `arch.rewrites` in the order in which they are applied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from inceptionctl.errors import RequestError
from inceptionctl.models.inception_v3 import STEM_3X3, STEM_7X7
from inceptionctl.models.spec import Conv, Named, Node, Sep, Seq, Tap

Rule = Callable[[Node], Node]
Blocks = tuple[tuple[str, ...], ...]


def rewrite(node: Node, rule: Rule) -> Node:
    """Applies `rule` to every node, children first, side heads included."""
    if isinstance(node, Named):
        node = replace(node, children=tuple((name, rewrite(child, rule)) for name, child in node))
    elif isinstance(node, Tap) and node.head:
        node = Tap(rewrite(node.head, rule))
    return rule(node)


def swap(network: Seq, **children: Node) -> Seq:
    """`network` with these children in place of those of the same names."""
    return Seq(tuple((name, children.get(name, child)) for name, child in network))


def without(network: Seq, *names: str) -> Seq:
    return Seq(tuple((name, child) for name, child in network if name not in names))


def factorized_7x7(network: Seq, asked: bool) -> Seq:
    """The stem around one 7x7 becomes the stem of three 3x3 (Rethinking, Table 3, row "Factorized 7x7")."""
    if not asked:
        return network
    if _stem(network) != STEM_7X7:
        raise RequestError("arch.rewrites.factorized_7x7: this network has no stem with one 7x7 layer to factorise")
    return swap(network, stem=STEM_3X3)


def separable_stem(network: Seq, asked: bool) -> Seq:
    """The opening 7x7 becomes separable with 8 filters a channel (GoogLeNet Table 1 and BN-Inception by their cost)."""
    if not asked:
        return network
    first = _first_conv(network)
    if first.kernel != (7, 7):
        raise RequestError("arch.rewrites.separable_stem: this network does not open with a 7x7 layer")
    separable = Sep(first.filters, first.kernel, first.stride, first.padding, multiplier=8)
    return swap(network, stem=swap(_stem(network), conv_1a=separable))


def low_resolution(network: Seq, pixels: int) -> Seq:
    """Rethinking, Table 2: at 151 pixels the first layer has stride 1; at 79 the first pool goes too."""
    if pixels == 299:
        return network
    if pixels not in (151, 79):
        raise RequestError(f"arch.rewrites.low_resolution = {pixels}: Table 2 has 299, 151 and 79")
    first = dict(_stem(network).children)["conv_1a"]
    if not isinstance(first, Conv | Sep):
        raise RequestError("arch.rewrites.low_resolution: this network does not open with a convolution")
    stem = swap(_stem(network), conv_1a=replace(first, stride=1))
    return swap(network, stem=without(stem, "pool_1") if pixels == 79 else stem)


def stem_pools(network: Seq, kept: int) -> Seq:
    """Keeps the first `kept` of the stem's two pools, for inputs that two would shrink too far."""
    if kept not in (0, 1, 2):
        raise RequestError(f"arch.rewrites.stem_pools = {kept}: a stem has two pools, keep 0, 1 or 2")
    return swap(network, stem=without(_stem(network), *("pool_1", "pool_2")[kept:]))


def blocks(network: Seq, counts: Sequence[int] | None, released: Blocks) -> Seq:
    """Keeps the first `counts` modules of each grid; the reductions between them stay."""
    if not counts:
        return network
    most = [len(names) for names in released]
    if len(counts) != len(most) or not all(1 <= n <= m for n, m in zip(counts, most, strict=True)):
        raise RequestError(f"arch.rewrites.blocks = {list(counts)}: one count a grid, from 1 to {most}")
    return without(network, *(name for names, n in zip(released, counts, strict=True) for name in names[n:]))


def width(factor: float) -> Rule:
    """Scales every convolution's filters, rounded to a multiple of 8."""

    def rule(node: Node) -> Node:
        if not isinstance(node, Conv | Sep):
            return node
        return replace(node, filters=max(8, 8 * round(node.filters * factor / 8)))

    return rule


def drop_heads(node: Node) -> Node:
    """A rule: no side heads; their taps stay."""
    return Tap() if isinstance(node, Tap) else node


def head_norm(norm: bool) -> Rule:
    """Batch norm on the fully connected layer of every side head, or none (Rethinking, Table 3, last row)."""

    def rule(node: Node) -> Node:
        if isinstance(node, Tap) and isinstance(node.head, Seq) and isinstance(fc := node.head["fc"], Conv):
            return Tap(swap(node.head, fc=replace(fc, norm=norm)))
        return node

    return rule


REWRITES: dict[str, Callable[[Seq, Any], Seq]] = {
    "factorized_7x7": factorized_7x7,
    "separable_stem": separable_stem,
    "low_resolution": low_resolution,
    "stem_pools": stem_pools,
}


def apply(network: Seq, rewrites: Mapping[str, Any], released: Blocks) -> Seq:
    """Applies the named switches in the fixed order. Raises RequestError for one that this network cannot take."""
    for name, switch in REWRITES.items():
        if name in rewrites:
            network = switch(network, rewrites[name])
    return blocks(network, rewrites.get("blocks"), released)


def _stem(network: Seq) -> Seq:
    stem = network["stem"]
    if not isinstance(stem, Seq):
        raise RequestError("this network has no stem of its own")
    return stem


def _first_conv(network: Seq) -> Conv:
    first = _stem(network)["conv_1a"]
    if not isinstance(first, Conv):
        raise RequestError("arch.rewrites.separable_stem: the first layer is separable already")
    return first
