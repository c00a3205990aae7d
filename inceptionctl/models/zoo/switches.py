"""The papers' structural claims as switches, the settings `arch.rewrites.NAME`.

A switch is one function under the decorator; they are applied in the order of this file. Its name is that of the
setting, the type of its second parameter that of the value (never None or False), its docstring the setting's help.
One that leaves a network as it is, is refused, but for those that come with a scale for every network: SIZES.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from inceptionctl.errors import RequestError
from inceptionctl.models.spec import rules
from inceptionctl.models.spec.nodes import LRN, Cat, Conv, Linear, Node, Norm, Pool, Res, Sep, Seq
from inceptionctl.models.spec.rewrite import Rule, after, fit_residuals, rewrite, rewritten, swap, without
from inceptionctl.models.spec.walk import leaves, walk
from inceptionctl.models.zoo.architecture import Blocks
from inceptionctl.models.zoo.googlenet import STEM, STEM_LRN
from inceptionctl.models.zoo.inception_v3 import STEM_3X3, STEM_7X7

if TYPE_CHECKING:  # whoever checks a value has pydantic; `inceptionctl models` does without
    from inceptionctl.settings import Count, Fraction, Groups, Share

Switch = Callable[[Seq, Any], Seq]
S = TypeVar("S", bound=Callable[..., Seq])
SWITCHES: dict[str, Switch] = {}
# Switches that come with a scale, and why one of them leaves a network as it is.
SIZES = {"stem_pools": "its stem has no more pools than that", "blocks": "it has no modules to leave out"}
XCEPTION = "it has no separable layers such as Xception's"
RESIDUAL = "it has no residual blocks"


class Refused(RequestError):
    """A switch that does not fit the network; the message is the reason."""


def switch(change: S) -> S:
    SWITCHES[change.__name__] = change
    return change


@switch
def factorized_7x7(network: Seq, _: bool) -> Seq:
    """The stem of three 3x3 for the one around a 7x7 (Rethinking, Table 3, row "Factorized 7x7")."""
    if _stem(network) != STEM_7X7:
        raise Refused("it has no stem with one 7x7 layer (arch=inception_v2 has)")
    return swap(network, stem=STEM_3X3)


@switch
def separable_stem(network: Seq, _: bool) -> Seq:
    """A separable first 7x7, 8 filters per channel (by the costs printed for GoogLeNet and BN-Inception)."""
    first = _first(network)
    if not isinstance(first, Conv) or first.kernel != (7, 7):
        raise Refused("its first layer is not a plain 7x7")
    sep = Sep(first.filters, (7, 7), first.stride, first.padding, multiplier=8, norm=first.norm, bias=first.bias)
    return swap(network, stem=swap(_stem(network), conv_1a=sep))


@switch
def plain_stem(network: Seq, _: bool) -> Seq:
    """A plain first layer for a separable one (the Caffe and PyTorch port of BN-Inception)."""
    first = _first(network)
    if not isinstance(first, Sep):
        raise Refused("its first layer is not separable (that of arch=bn_inception is)")
    plain = Conv(first.filters, first.kernel, first.stride, first.padding, first.norm, first.bias)
    return swap(network, stem=swap(_stem(network), conv_1a=plain))


@switch
def naive_modules(network: Seq, _: bool) -> Seq:
    """Modules without 1x1 reductions and projections (GoogLeNet, Figure 2a)."""
    return _changed(network, rules.naive, "it has no modules with 1x1 reductions")


@switch
def five_by_five(network: Seq, kind: Literal["two_3x3", "one_3x3"]) -> Seq:
    """For every 5x5 in a module two 3x3 (Rethinking, Figure 5) or one (torchvision's and TF-slim's GoogLeNet)."""
    rule = {"two_3x3": rules.two_3x3, "one_3x3": rules.one_3x3}[kind]
    return _changed(network, rule, "it has no 5x5 in its modules")


@switch
def asymmetric(network: Seq, _: bool) -> Seq:
    """1xn and nx1 for every nxn in a module (Rethinking, Figure 6)."""
    return _changed(network, rules.asymmetric, "it has no square layers in its modules")


@switch
def linear_factors(network: Seq, _: bool) -> Seq:
    """No ReLU between the two layers of a factorised one (Rethinking, Figure 2)."""
    reason = "it has no factorised layers in its modules (arch.rewrites.asymmetric makes some)"
    return _changed(network, rules.linear_factors, reason)


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


@switch
def lrn(network: Seq, change: Literal["added", "dropped"]) -> Seq:
    """Local response normalisation where GoogLeNet has it (Figure 3)."""
    has_lrn = any(isinstance(leaf, LRN) for leaf in leaves(network))
    if change == "dropped":
        return _changed(network, rules.drop_lrn, "it has no local response normalisation")
    if has_lrn:
        raise Refused("it has local response normalisation already")
    stem = _stem(network)
    if rewrite(swap(stem, conv_1a=STEM["conv_1a"]), rules.batch_norm("full")) != STEM:
        raise Refused("its stem is not GoogLeNet's, which alone has known places for local response normalisation")
    stem = after(stem, "pool_1", "lrn_1", STEM_LRN["lrn_1"])
    return swap(network, stem=after(stem, "conv_2c", "lrn_2", STEM_LRN["lrn_2"]))


@switch
def batch_norm(network: Seq, kind: Literal["full", "shift", "none"]) -> Seq:
    """Batch norm on every convolution: scale and shift, shift only, or none and biases instead."""
    norms: dict[str, Norm] = {"full": "full", "shift": "shift", "none": None}
    reason = "it has no batch norm" if kind == "none" else "its batch norm is like that already"
    return _changed(network, rules.batch_norm(norms[kind]), reason)


@switch
def non_residual(network: Seq, _: bool) -> Seq:
    """Residual blocks without their shortcuts (Inception-v4 paper; Xception, Figure 9)."""
    return _changed(network, rules.non_residual, RESIDUAL)


@switch
def residual_scale(network: Seq, scale: Fraction) -> Seq:
    """The factor on every residual (Inception-v4 paper, section 3.3: 0.1 to 0.3, or none, which is 1)."""
    reason = f"its residuals have the factor {scale:g} already" if _has(network, is_residual) else RESIDUAL
    return _changed(network, rules.residual_scale(scale), reason)


@switch
def segments(network: Seq, count: Groups) -> Seq:
    """The number of groups of channels in the spatial step of separable layers (Xception, section 1.1)."""
    reason = f"its separable layers have {count} groups already" if _has(network, rules.is_xception_s) else XCEPTION
    return _changed(network, rules.segments(count), reason)


@switch
def between(network: Seq, kind: Literal["relu", "elu"]) -> Seq:
    """The activation between the two steps of separable layers (Xception, Figure 10)."""
    reason = "its separable layers have it already" if _has(network, rules.is_xception_s) else XCEPTION
    return _changed(network, rules.between(kind), reason)


@switch
def pointwise_first(network: Seq, _: bool) -> Seq:
    """The 1x1 of separable layers before the spatial step (Xception, section 1.1)."""
    return _changed(network, rules.pointwise_first, XCEPTION)


@switch
def count_padding(network: Seq, change: Literal["counted", "left_out"]) -> Seq:
    """Whether average pools count their padding, as torchvision's do, or not, as TF-slim's."""
    return _changed(network, rules.count_padding(change == "counted"), "it has no average pools that do otherwise")


@switch
def fully_connected(network: Seq, _: bool) -> Seq:
    """For global average pooling a hidden layer over the last map, as wide as the map has channels (GoogLeNet,
    section 5, which does not print the one that it compares with: a reading)."""
    pool = network["pool"]
    if not (isinstance(pool, Pool) and pool.global_) or not isinstance(network["logits"], Linear):
        raise Refused("it does not end in global average pooling and a linear layer")
    before = network.children[: [name for name, _ in network].index("pool")]
    return swap(network, pool=Linear(fit_residuals(Seq(before))[1], relu=True))


@switch
def fc_layers(network: Seq, _: bool) -> Seq:
    """Two hidden layers of 4096 before the classifier (Xception, section 4.3, in some runs on JFT)."""
    if not any(map(rules.is_xception_s, leaves(network))):
        raise Refused("these layers are Xception's (arch=xception)")
    return after(after(network, "pool", "fc_1", Linear(4096, relu=True)), "fc_1", "fc_2", Linear(4096, relu=True))


@switch
def low_resolution(network: Seq, pixels: Literal[151, 79]) -> Seq:
    """Rethinking, Table 2: a first layer of stride 1 for 151 pixels; for 79 also no first pool."""
    stem, first = _stem(network), _first(network)
    if not isinstance(first, Conv | Sep) or not _halvings(stem):
        raise Refused("it does not begin with a strided convolution and a pool, as in Table 2")
    first_pool = _halvings(stem)[:1] if pixels == 79 else []
    return swap(network, stem=_unpooled(swap(stem, conv_1a=replace(first, stride=1)), first_pool))


@switch
def stem_pools(network: Seq, count: Literal[0, 1, 2]) -> Seq:
    """The number of the stem's pools, or layers that halve the grid in their place, to keep: fewer for small inputs."""
    if "stem" not in network:
        return network
    return swap(network, stem=_unpooled(_stem(network), _halvings(_stem(network))[count:]))


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


def apply(network: Seq, rewrites: Mapping[str, Any], of: Blocks, name: str = "this network") -> Seq:
    """Applies the switches that are set, but for double_width, which follows arch.width; `of`: the repeated modules of
    the network called `name`. Raises RequestError for a misfit."""
    for key, change in SWITCHES.items():
        value = rewrites.get(key)
        if value is None or value is False or key == "double_width":
            continue
        try:
            changed = blocks(network, value, of) if key == "blocks" else change(network, value)
            if changed == network and key not in SIZES:
                raise Refused("it is like that already")
        except Refused as reason:
            shown = "true" if value is True else value
            raise RequestError(f"arch.rewrites.{key} = {shown} does not fit {name}: {reason}") from None
        network = changed
    return network


def _has(network: Seq, wanted: Callable[[Node], bool]) -> bool:
    return any(wanted(node) for _, node in walk(network))


def is_residual(node: Node) -> bool:
    return isinstance(node, Res)


def _changed(network: Seq, rule: Rule, reason: str) -> Seq:
    """`rule` applied everywhere. Raises Refused, for `reason`, where that changes nothing."""
    changed = rewritten(network, rule)
    if changed == network:
        raise Refused(reason)
    return changed


def _stem(network: Seq) -> Seq:
    stem = dict(network).get("stem")
    if not isinstance(stem, Seq):
        raise Refused("it has no stem")
    return stem


def _first(network: Seq) -> Node | None:
    return dict(_stem(network)).get("conv_1a")


def _halvings(stem: Seq) -> list[str]:
    """The children that halve the grid, without the first layer."""
    return [name for name, node in stem.children[1:] if _strided(node)]


def _unpooled(stem: Seq, names: Sequence[str]) -> Seq:
    """Without these pools; a pool beside a convolution, or a strided convolution in its place, loses its stride."""
    pools = [name for name in names if isinstance(stem[name], Pool)]
    unstrided = {name: rewrite(stem[name], rules.unstrided) for name in names if name not in pools}
    return swap(without(stem, *pools), **unstrided)


def _reduces(module: Cat) -> bool:
    """Whether its branches end on a smaller grid."""
    return isinstance(dict(module).get("branch_pool"), Pool) and _strided(module)


def _strided(node: Node) -> bool:
    return any(isinstance(leaf, Conv | Sep | Pool) and leaf.stride > 1 for leaf in leaves(node))
