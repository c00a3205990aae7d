"""Rewriting specs: pure functions from tree to tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, cast

from inceptionctl.models.spec.nodes import Cat, Conv, Linear, Named, Node, Res, Sep, Seq, Tap

Rule = Callable[[Node], Node]
N = TypeVar("N", bound=Named)


def rewrite(node: Node, rule: Rule) -> Node:
    """Applies `rule` to every node, children first, shortcuts and side heads included."""
    if isinstance(node, Named):
        node = replace(node, children=tuple((name, rewrite(child, rule)) for name, child in node))
    if isinstance(node, Res) and node.shortcut:
        node = replace(node, shortcut=rewrite(node.shortcut, rule))
    elif isinstance(node, Tap) and node.head:
        node = Tap(rewrite(node.head, rule))
    return rule(node)


def rewritten(network: Seq, *rules: Rule) -> Seq:
    """A network after `rules`, one after the other."""
    for rule in rules:
        network = cast(Seq, rewrite(network, rule))
    return network


def swap(parent: N, **children: Node) -> N:
    """`parent` with these children in place of those of the same names."""
    return replace(parent, children=tuple((name, children.get(name, child)) for name, child in parent))


def without(network: Seq, *names: str) -> Seq:
    return Seq(tuple((name, child) for name, child in network if name not in names))


def after(network: Seq, name: str, new_name: str, node: Node) -> Seq:
    """`network` with a node more, behind the child called `name`."""
    place = [child for child, _ in network].index(name) + 1
    return Seq((*network.children[:place], (new_name, node), *network.children[place:]))


def fit_residuals(node: Node, channels: int = 3) -> tuple[Node, int]:
    """`node` with the last layer of every residual as wide as the input that it is added to, and the channels that come
    out. Scaling and rewriting change what the branches of a module add up to; a block has to follow."""
    if isinstance(node, Conv | Sep):
        return node, node.filters
    if isinstance(node, Linear):
        return node, node.features
    if isinstance(node, Tap):
        return Tap(node.head and fit_residuals(node.head, channels)[0]), channels
    if isinstance(node, Cat):
        branches = [(name, *fit_residuals(child, channels)) for name, child in node]
        return Cat(tuple((name, child) for name, child, _ in branches)), sum(c for _, _, c in branches)
    if not isinstance(node, Seq | Res):
        return node, channels
    children, out = [], channels
    for name, child in node:
        fitted, out = fit_residuals(child, out)
        children.append((name, fitted))
    if isinstance(node, Res) and not node.shortcut and isinstance(last := children[-1][1], Conv):
        children[-1], out = (children[-1][0], replace(last, filters=channels)), channels
    return replace(node, children=tuple(children)), out
