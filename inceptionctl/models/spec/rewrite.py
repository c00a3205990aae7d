"""Rewriting specs: pure functions from tree to tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, cast

from inceptionctl.models.spec.nodes import Cat, Conv, Endpoint, Linear, Named, Node, Res, Sep, Seq

Rule = Callable[[Node], Node]
N = TypeVar("N", bound=Named)


def rewrite(node: Node, rule: Rule) -> Node:
    """Applies `rule` to every node, children first, shortcuts and auxiliary heads included."""
    if isinstance(node, Named):
        node = replace(node, children=tuple((name, rewrite(child, rule)) for name, child in node))
    if isinstance(node, Res) and node.shortcut:
        node = replace(node, shortcut=rewrite(node.shortcut, rule))
    elif isinstance(node, Endpoint) and node.head:
        node = Endpoint(rewritten(node.head, rule))
    return rule(node)


def rewritten(network: Seq, *rules: Rule) -> Seq:
    """`network` after `rules`, one after the other."""
    for rule in rules:
        network = cast(Seq, rewrite(network, rule))
    return network


def swap(parent: N, **children: Node) -> N:
    """`parent` with these children in place of those of the same names."""
    return replace(parent, children=tuple((name, children.get(name, child)) for name, child in parent))


def without(network: Seq, *names: str) -> Seq:
    return Seq(tuple((name, child) for name, child in network if name not in names))


def after(network: Seq, name: str, new_name: str, node: Node) -> Seq:
    """`network` with `node` inserted behind the child called `name`."""
    place = [child for child, _ in network].index(name) + 1
    return Seq((*network.children[:place], (new_name, node), *network.children[place:]))


def fit_residuals(node: Node, channels: int = 3) -> tuple[Node, int]:
    """`node` with the last layer of every residual as wide as the input that it is added to, and its output channels.

    Scaling and rewriting change how wide a module becomes; the blocks behind it have to follow.
    """
    if isinstance(node, Conv | Sep):
        return node, node.filters
    if isinstance(node, Linear):
        return node, node.features
    if isinstance(node, Endpoint):
        return Endpoint(node.head and cast(Seq, fit_residuals(node.head, channels)[0])), channels
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
