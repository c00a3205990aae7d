"""Switches for small images and small machines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from inceptionctl.models.spec import rules
from inceptionctl.models.spec.nodes import Conv, Sep, Seq
from inceptionctl.models.spec.rewrite import rewritten, swap, without
from inceptionctl.models.zoo.architecture import Blocks
from inceptionctl.models.zoo.switches.stem import first_layer, halvings, stem_of, unpooled
from inceptionctl.models.zoo.switches.switch import Refused, switch

if TYPE_CHECKING:  # whoever checks a value has pydantic; `inceptionctl models` does without
    from inceptionctl.settings import Count, Share

# Switches that come with a scale, and why one of them leaves a network as it is.
SIZES = {"stem_pools": "its stem has no more pools than that", "blocks": "it has no modules to leave out"}


@switch
def low_resolution(network: Seq, pixels: Literal[151, 79]) -> Seq:
    """Rethinking, Table 2: a first layer of stride 1 for 151 pixels; for 79 also no first pool."""
    stem, first = stem_of(network), first_layer(network)
    if not isinstance(first, Conv | Sep) or not halvings(stem):
        raise Refused("it does not begin with a strided convolution and a pool, as in Table 2")
    first_pool = halvings(stem)[:1] if pixels == 79 else []
    return swap(network, stem=unpooled(swap(stem, conv_1a=replace(first, stride=1)), first_pool))


@switch
def stem_pools(network: Seq, count: Literal[0, 1, 2]) -> Seq:
    """The number of the stem's pools, or layers that halve the grid in their place, to keep: fewer for small inputs."""
    if "stem" not in network:
        return network
    return swap(network, stem=unpooled(stem_of(network), halvings(stem_of(network))[count:]))


@switch
def blocks(network: Seq, counts: list[Count] | Share, of: Blocks = ()) -> Seq:
    """The number of modules to keep on each grid, such as [1,2,1], or a fraction of them, such as 0.4; the reductions
    between stay."""
    most = [len(names) for names in of]
    if isinstance(counts, float):
        counts = [max(1, round(counts * n)) for n in most]
    if not of and isinstance(counts, list) and counts:
        raise Refused("it has no repeated modules")
    if len(counts) != len(most) or not all(1 <= n <= m for n, m in zip(counts, most, strict=True)):
        raise Refused(f"it takes one count per grid, each from 1 to {most}")
    return without(network, *(name for names, n in zip(of, counts, strict=True) for name in names[n:]))


@switch
def double_width(network: Seq, _: bool) -> Seq:
    """Twice the filters that every layer has at arch.width: about four times the cost."""
    return rewritten(network, rules.double_width)
