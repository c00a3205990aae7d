"""Switches of what is inside a module, and of how modules reduce the grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from inceptionctl.models.spec import rules
from inceptionctl.models.spec.nodes import Cat, Node, Pool, Seq
from inceptionctl.models.spec.rewrite import rewrite, swap
from inceptionctl.models.zoo.switches.stem import is_strided
from inceptionctl.models.zoo.switches.switch import Refused, changed, switch


@switch
def naive_modules(network: Seq, _: bool) -> Seq:
    """Modules without 1x1 reductions and projections (GoogLeNet, Figure 2a)."""
    return changed(network, rules.naive, "it has no modules with 1x1 reductions")


@switch
def five_by_five(network: Seq, kind: Literal["two_3x3", "one_3x3"]) -> Seq:
    """For every 5x5 in a module two 3x3 (Rethinking, Figure 5) or one (torchvision's and TF-slim's GoogLeNet)."""
    rule = {"two_3x3": rules.two_3x3, "one_3x3": rules.one_3x3}[kind]
    return changed(network, rule, "it has no 5x5 in its modules")


@switch
def asymmetric(network: Seq, _: bool) -> Seq:
    """1xn and nx1 for every nxn in a module (Rethinking, Figure 6)."""
    return changed(network, rules.asymmetric, "it has no square layers in its modules")


@switch
def linear_factors(network: Seq, _: bool) -> Seq:
    """No ReLU between the two layers of a factorised one (Rethinking, Figure 2)."""
    reason = "it has no factorised layers in its modules (arch.rewrites.asymmetric makes some)"
    return changed(network, rules.linear_factors, reason)


@switch
def grid_reduction(network: Seq, order: Literal["pool_first", "convolve_first"]) -> Seq:
    """How modules reduce the grid (Rethinking, Figure 9) for strided branches beside a pool (Figure 10): a pool, then
    the module without strides; or the other way round."""
    reductions = {name: node for name, node in network if isinstance(node, Cat) and _reduces(node)}
    if not reductions:
        raise Refused("it has no modules that reduce the grid: it pools between modules")
    return swap(network, **{name: REDUCTIONS[order](node["branch_pool"], node) for name, node in reductions.items()})


REDUCTIONS: dict[str, Callable[[Node, Node], Node]] = {
    "pool_first": lambda pool, module: Seq.of(pool=pool, module=rewrite(module, rules.unstrided)),
    "convolve_first": lambda pool, module: Seq.of(module=rewrite(module, rules.unstrided), pool=pool),
}


def _reduces(module: Cat) -> bool:
    """Whether its branches end on a smaller grid."""
    return isinstance(dict(module).get("branch_pool"), Pool) and is_strided(module)
