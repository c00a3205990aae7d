"""Switches of the first layers."""

from __future__ import annotations

from collections.abc import Sequence

from inceptionctl.models.spec import rules
from inceptionctl.models.spec.nodes import Conv, Node, Pool, Sep, Seq
from inceptionctl.models.spec.rewrite import rewrite, swap, without
from inceptionctl.models.spec.walk import leaves
from inceptionctl.models.zoo.inception_v3 import STEM_3X3, STEM_7X7
from inceptionctl.models.zoo.switches.switch import Refused, switch


@switch
def factorized_7x7(network: Seq, _: bool) -> Seq:
    """The stem of three 3x3 for the one around a 7x7 (Rethinking, Table 3, row "Factorized 7x7")."""
    if stem_of(network) != STEM_7X7:
        raise Refused("it has no stem with one 7x7 layer (arch=inception_v2 has)")
    return swap(network, stem=STEM_3X3)


@switch
def separable_stem(network: Seq, _: bool) -> Seq:
    """A separable first 7x7, 8 filters per channel (by the costs printed for GoogLeNet and BN-Inception)."""
    first = first_layer(network)
    if not isinstance(first, Conv) or first.kernel != (7, 7):
        raise Refused("its first layer is not a plain 7x7")
    sep = Sep(first.filters, (7, 7), first.stride, first.padding, multiplier=8, norm=first.norm, bias=first.bias)
    return swap(network, stem=swap(stem_of(network), conv_1a=sep))


@switch
def plain_stem(network: Seq, _: bool) -> Seq:
    """A plain first layer for a separable one (the Caffe and PyTorch port of BN-Inception)."""
    first = first_layer(network)
    if not isinstance(first, Sep):
        raise Refused("its first layer is not separable (that of arch=bn_inception is)")
    plain = Conv(first.filters, first.kernel, first.stride, first.padding, first.norm, first.bias)
    return swap(network, stem=swap(stem_of(network), conv_1a=plain))


def stem_of(network: Seq) -> Seq:
    stem = dict(network).get("stem")
    if not isinstance(stem, Seq):
        raise Refused("it has no stem")
    return stem


def first_layer(network: Seq) -> Node | None:
    return dict(stem_of(network)).get("conv_1a")


def halvings(stem: Seq) -> list[str]:
    """The children that halve the grid, without the first layer."""
    return [name for name, node in stem.children[1:] if is_strided(node)]


def unpooled(stem: Seq, names: Sequence[str]) -> Seq:
    """Without these pools; a pool beside a convolution, or a strided convolution in its place, loses its stride."""
    pools = [name for name in names if isinstance(stem[name], Pool)]
    unstrided = {name: rewrite(stem[name], rules.unstrided) for name in names if name not in pools}
    return swap(without(stem, *pools), **unstrided)


def is_strided(node: Node) -> bool:
    return any(isinstance(leaf, Conv | Sep | Pool) and leaf.stride > 1 for leaf in leaves(node))
