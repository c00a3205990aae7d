"""The papers' structural claims as named switches, `arch.rewrites.*`.

`SWITCHES` holds them in the order in which they are applied. Each takes a network and the value asked for, which is
never None or False, and refuses what it cannot do with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from inceptionctl.errors import RequestError
from inceptionctl.models.zoo.architecture import Blocks
from inceptionctl.models.zoo.googlenet import STEM, STEM_LRN
from inceptionctl.models.zoo.inception_v3 import STEM_3X3, STEM_7X7
from inceptionctl.models.spec.rewrite import Rule, after, fit_residuals, rewrite, rewritten, swap, without
from inceptionctl.models.spec.rules import (
    asymmetric, batch_norm, between, count_padding, drop_lrn, is_xception_s, linear_factors, naive, non_residual,
    one_3x3, pointwise_first, residual_scale, segments, two_3x3, unstrided,
)  # fmt: skip
from inceptionctl.models.spec.nodes import Cat, Conv, Linear, Node, Pool, Sep, Seq

Switch = Callable[[Seq, Any], Seq]


class Refused(RequestError):
    """A switch that this network cannot take."""


def factorized_7x7(network: Seq, asked: bool) -> Seq:
    """The stem around one 7x7 becomes the stem of three 3x3 (Rethinking, Table 3, row "Factorized 7x7")."""
    if _stem(network) != STEM_7X7:
        raise Refused("this network has no stem with one 7x7 layer to factorise (arch=inception_v2 has)")
    return swap(network, stem=STEM_3X3)


def separable_stem(network: Seq, asked: bool) -> Seq:
    """The opening 7x7 becomes separable with 8 filters a channel (GoogLeNet Table 1 and BN-Inception by their cost)."""
    first = _first(network)
    if isinstance(first, Conv) and first.kernel == (7, 7):
        norm, bias = first.norm, first.bias
        separable = Sep(first.filters, (7, 7), first.stride, first.padding, multiplier=8, norm=norm, bias=bias)
        return swap(network, stem=swap(_stem(network), conv_1a=separable))
    raise Refused("this network does not open with a plain 7x7 layer")


def plain_stem(network: Seq, asked: bool) -> Seq:
    """An opening separable 7x7 becomes a plain one (the Caffe and PyTorch port of BN-Inception)."""
    first = _first(network)
    if isinstance(first, Sep):
        plain = Conv(first.filters, first.kernel, first.stride, first.padding, first.norm, first.bias)
        return swap(network, stem=swap(_stem(network), conv_1a=plain))
    raise Refused("this network does not open with a separable layer (arch=bn_inception does)")


def five_by_five(network: Seq, asked: str) -> Seq:
    """Every 5x5 in a module becomes two 3x3 (Rethinking, Figure 5) or one (torchvision's and TF-slim's GoogLeNet)."""
    return _changed(network, {"two_3x3": two_3x3, "one_3x3": one_3x3}[asked], "no 5x5 in its modules")


def grid_reduction(network: Seq, asked: str) -> Seq:
    """How the grid shrinks between stages (Rethinking, Figures 9 and 10), with the same filters: "parallel", by strided
    branches beside a pool; "pool_first", a pool and then the module unstrided; "convolve_first", the other way."""
    reductions = {name: node for name, node in network if isinstance(node, Cat) and _reduces(node)}
    if not reductions:
        raise Refused("this network has no parallel grid reduction: it pools between its modules")
    return swap(network, **{name: ORDERS[asked](node["branch_pool"], node) for name, node in reductions.items()})


ORDERS: dict[str, Callable[[Node, Node], Node]] = {
    "parallel": lambda pool, module: module,
    "pool_first": lambda pool, module: Seq.of(pool=pool, module=rewrite(module, unstrided)),
    "convolve_first": lambda pool, module: Seq.of(module=rewrite(module, unstrided), pool=pool),
}


def lrn(network: Seq, asked: str) -> Seq:
    """Local response normalisation where GoogLeNet has it (Figure 3), "added" or "dropped"."""
    if asked == "dropped":
        return _changed(network, drop_lrn, "no local response normalisation to drop")
    if rewrite(_stem(network), batch_norm("full")) != STEM:
        raise Refused("only a stem such as GoogLeNet's says where local response normalisation stands")
    added = {name: node for name, node in STEM_LRN if name.startswith("lrn")}
    stem = after(after(_stem(network), "pool_1", "lrn_1", added["lrn_1"]), "conv_2c", "lrn_2", added["lrn_2"])
    return swap(network, stem=stem)


def fully_connected(network: Seq, asked: bool) -> Seq:
    """A hidden layer over the whole last map instead of global average pooling, as wide as the map has channels (the
    papers do not print the one that GoogLeNet section 5 compares with: a reading)."""
    pool = network["pool"]
    if not (isinstance(pool, Pool) and pool.whole) or not isinstance(network["logits"], Linear):
        raise Refused("this network does not end in global average pooling and a linear layer")
    return swap(network, pool=Linear(_width_before(network, "pool"), relu=True))


def fc_layers(network: Seq, asked: bool) -> Seq:
    """Two hidden layers of 4096 before the classifier (Xception, section 4.3, in some runs on JFT)."""
    if not _has(network, is_xception_s):
        raise Refused("these layers are Xception's (arch=xception)")
    return after(after(network, "pool", "fc_1", Linear(4096, relu=True)), "fc_1", "fc_2", Linear(4096, relu=True))


def low_resolution(network: Seq, pixels: int) -> Seq:
    """Rethinking, Table 2: at 151 pixels the first layer has stride 1; at 79 the first pool goes too."""
    stem, first = _stem(network), _first(network)
    if not isinstance(first, Conv | Sep) or not _halvings(stem):
        raise Refused("Table 2 is about networks that open with a strided convolution and a pool")
    first_pool = _halvings(stem)[:1] if pixels == 79 else []
    return swap(network, stem=_unpooled(swap(stem, conv_1a=replace(first, stride=1)), first_pool))


def stem_pools(network: Seq, kept: int) -> Seq:
    """Keeps at most the first `kept` of the stem's pools, or of what halves the grid in their place, for inputs that
    more would shrink too far. A network without a stem has none to lose."""
    if "stem" not in network:
        return network
    return swap(network, stem=_unpooled(_stem(network), _halvings(_stem(network))[kept:]))


def _rule(reason: str, rule: Rule) -> Switch:
    return lambda network, _: _changed(network, rule, reason)


def _rules(reason: str, rule: Callable[[Any], Rule]) -> Switch:
    return lambda network, asked: _changed(network, rule(asked), reason)


NO_SEP = "no separable layers such as Xception's"
NO_RESIDUAL = "no residual blocks"
SWITCHES: dict[str, Switch] = {
    "factorized_7x7": factorized_7x7,
    "separable_stem": separable_stem,
    "plain_stem": plain_stem,
    "naive_modules": _rule("no modules with 1x1 reductions", naive),
    "five_by_five": five_by_five,
    "asymmetric": _rule("no square layers in its modules", asymmetric),
    "linear_factors": _rule("no factorised layers in its modules (asymmetric makes some)", linear_factors),
    "grid_reduction": grid_reduction,
    "lrn": lrn,
    "batch_norm": _rules(
        "batch normalised like that already", lambda kind: batch_norm(None if kind == "none" else kind)
    ),
    "non_residual": _rule(NO_RESIDUAL, non_residual),
    "residual_scale": _rules(NO_RESIDUAL, residual_scale),
    "segments": _rules(NO_SEP, segments),
    "between": _rules(NO_SEP, between),
    "pointwise_first": _rule(NO_SEP, pointwise_first),
    "count_padding": _rules("no average pools that do otherwise", lambda asked: count_padding(asked == "counted")),
    "fully_connected": fully_connected,
    "fc_layers": fc_layers,
    "low_resolution": low_resolution,
    "stem_pools": stem_pools,
}


def apply(network: Seq, rewrites: Mapping[str, Any], released: Blocks) -> Seq:
    """Applies the named switches in the fixed order. Raises RequestError for one that this network cannot take."""
    for name, switch in SWITCHES.items():
        asked = rewrites.get(name)
        if asked is None or asked is False:
            continue
        try:
            network = switch(network, asked)
        except Refused as refusal:
            raise RequestError(f"arch.rewrites.{name} = {asked}: {refusal}") from None
    return blocks(network, rewrites.get("blocks"), released)


def blocks(network: Seq, counts: Sequence[int] | float | None, released: Blocks) -> Seq:
    """Keeps the first modules of each grid, `counts` of them or, below 1, that share; the reductions between stay."""
    if counts is None:
        return network
    most = [len(names) for names in released]
    if isinstance(counts, float):
        counts = [max(1, round(counts * n)) for n in most]
    if len(counts) != len(most) or not all(1 <= n <= m for n, m in zip(counts, most, strict=True)):
        raise RequestError(f"arch.rewrites.blocks = {list(counts)}: one count a grid, from 1 to {most}")
    return without(network, *(name for names, n in zip(released, counts, strict=True) for name in names[n:]))


def _changed(network: Seq, rule: Rule, reason: str) -> Seq:
    """`rule` applied everywhere. Raises Refused where that changes nothing."""
    found = rewritten(network, rule)
    if found == network:
        raise Refused(f"this network has {reason}")
    return found


def _stem(network: Seq) -> Seq:
    stem = dict(network).get("stem")
    if not isinstance(stem, Seq):
        raise Refused("this network has no stem of its own")
    return stem


def _first(network: Seq) -> Node | None:
    return dict(_stem(network)).get("conv_1a")


def _halvings(stem: Seq) -> list[str]:
    """What halves the grid behind the stem's first layer."""
    return [name for name, node in stem.children[1:] if _has(node, _strided)]


def _unpooled(stem: Seq, names: Sequence[str]) -> Seq:
    """Without these pools; a pool beside a convolution, or a strided convolution in its place, loses its stride."""
    gone = [name for name in names if isinstance(stem[name], Pool)]
    kept = {name: rewrite(stem[name], unstrided) for name in names if name not in gone}
    return swap(without(stem, *gone), **kept)


def _reduces(module: Cat) -> bool:
    """Whether its branches end on a smaller grid."""
    return isinstance(dict(module).get("branch_pool"), Pool) and _has(module, _strided)


def _strided(node: Node) -> bool:
    return isinstance(node, Conv | Sep | Pool) and node.stride > 1


def _has(node: Node, wanted: Callable[[Node], bool]) -> bool:
    found = []

    def look(child: Node) -> Node:
        found.append(wanted(child))
        return child

    rewrite(node, look)
    return any(found)


def _width_before(network: Seq, name: str) -> int:
    before = network.children[: [child for child, _ in network].index(name)]
    return fit_residuals(Seq(before))[1]
