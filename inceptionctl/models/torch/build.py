"""Builds a torch module from a spec. Parameter names follow the spec: `mixed_5b.branch3x3dbl.1.conv.weight`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from functools import singledispatch

from torch import nn

from inceptionctl.models.spec.cost import cost
from inceptionctl.models.spec.nodes import (
    LRN,
    Act,
    Activation,
    Cat,
    Conv,
    Dropout,
    Endpoint,
    Kernel,
    Linear,
    Named,
    Node,
    Norm,
    Padding,
    Pool,
    Res,
    Sep,
    Seq,
)
from inceptionctl.models.spec.shapes import FeatureMap, fitted_kernel, segment_sizes
from inceptionctl.models.torch.classifier import Classifier
from inceptionctl.models.torch.modules import (
    ACTIVATIONS,
    NORMS,
    AuxHead,
    Concat,
    ConvNormAct,
    FullyConnected,
    GridPool,
    Residual,
    ResponseNorm,
    SegmentedConv2d,
    Sequential,
)


def build(
    spec: Seq, hw: tuple[int, int], channels: int = 3, *, bn_momentum: float = 0.1, bn_eps: float = 1e-3
) -> Classifier:
    """The network that `spec` describes, for images of `hw` pixels, with torch's default weights (see `initialise`).

    Raises ShapeError where a map is too small for its layer.
    """
    model = Classifier(dict(_in_order(spec, FeatureMap(*hw, channels))))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum, module.eps = bn_momentum, bn_eps
    return model


@singledispatch
def _build(node: Node, into: FeatureMap) -> nn.Module:
    raise TypeError(f"no module known for {type(node).__name__}")


@_build.register
def _(node: Conv, into: FeatureMap) -> nn.Module:
    kernel = fitted_kernel(node, into)
    padding = _padding(node.padding, kernel)
    conv = nn.Conv2d(into.c, node.filters, kernel, node.stride, padding, bias=node.bias)
    return _with_norm({"conv": conv}, node.filters, node.norm, node.act)


@_build.register
def _(node: Sep, into: FeatureMap) -> nn.Module:
    c_spatial = node.filters if node.pointwise_first else into.c
    wide = c_spatial * node.multiplier
    c_pointwise = into.c if node.pointwise_first else wide
    steps: list[tuple[str, nn.Module]] = [
        ("depthwise", _spatial(node, c_spatial, wide)),
        ("pointwise", nn.Conv2d(c_pointwise, node.filters, 1, bias=node.bias and not node.pointwise_first)),
    ]
    first, last = reversed(steps) if node.pointwise_first else steps
    modules = dict([first])
    if node.norm_between:
        modules["bn_between"] = NORMS[node.norm_between](wide)
    if node.between:
        modules["act_between"] = ACTIVATIONS[node.between](inplace=True)
    return _with_norm(modules | dict([last]), node.filters, node.norm, node.act)


def _spatial(node: Sep, c: int, wide: int) -> nn.Module:
    padding, bias = _padding(node.padding, node.kernel), node.bias and node.pointwise_first
    if node.segments and c % node.segments:
        return SegmentedConv2d(segment_sizes(node.segments, c), node.kernel, node.stride, padding, bias)
    groups = node.segments or c
    return nn.Conv2d(c, wide, node.kernel, node.stride, padding, groups=groups, bias=bias)


@_build.register
def _(node: Pool, into: FeatureMap) -> nn.Module:
    if node.grid:
        return GridPool(node.grid)
    kernel, ceil_mode = fitted_kernel(node, into), node.padding in ("ceil", "tensorflow")
    padding = _near_edge(node, into) if node.padding == "tensorflow" else _padding(node.padding, kernel)
    if node.kind == "max":
        return nn.MaxPool2d(kernel, node.stride, padding, ceil_mode=ceil_mode)
    return nn.AvgPool2d(kernel, node.stride, padding, ceil_mode, count_include_pad=node.count_padding)


def _near_edge(node: Pool, into: FeatureMap) -> Kernel:
    """TensorFlow's SAME padding at the top and left; at the other edges `ceil_mode` takes its place."""
    (h, w), s = node.kernel, node.stride
    totals = (max(0, (-(-size // s) - 1) * s + k - size) for size, k in ((into.h, h), (into.w, w)))
    top, left = (total // 2 for total in totals)
    return top, left


@_build.register
def _(node: LRN, into: FeatureMap) -> nn.Module:
    return ResponseNorm(node.size, node.alpha, node.beta)


@_build.register
def _(node: Act, into: FeatureMap) -> nn.Module:
    return ACTIVATIONS[node.kind]()  # never in place: a shortcut may read the same tensor


@_build.register
def _(node: Dropout, into: FeatureMap) -> nn.Module:
    return nn.Dropout(node.rate)


@_build.register
def _(node: Linear, into: FeatureMap) -> nn.Module:
    layer = FullyConnected(into.activations, node.features)
    return nn.Sequential(OrderedDict(linear=layer, act=nn.ReLU(inplace=True))) if node.relu else layer


@_build.register
def _(node: Seq, into: FeatureMap) -> nn.Module:
    return Sequential(dict(_in_order(node, into)))


@_build.register
def _(node: Cat, into: FeatureMap) -> nn.Module:
    return Concat({name: _build(child, into) for name, child in node})


@_build.register
def _(node: Res, into: FeatureMap) -> nn.Module:
    shortcut = _build(node.shortcut, into) if node.shortcut else None
    return Residual(dict(_in_order(node, into)), shortcut, node.scale, node.relu)


@_build.register
def _(node: Endpoint, into: FeatureMap) -> nn.Module:
    return AuxHead(dict(_in_order(node.head, into))) if node.head else nn.Identity()


def _in_order(node: Named, into: FeatureMap) -> Iterator[tuple[str, nn.Module]]:
    for name, child in node:
        yield name, _build(child, into)
        into = cost(child, (into.h, into.w), into.c).out


def _with_norm(modules: dict[str, nn.Module], filters: int, norm: Norm, act: Activation | None) -> ConvNormAct:
    module = ConvNormAct(OrderedDict(modules))
    if norm:
        module.add_module("bn", NORMS[norm](filters))
    if act:
        module.add_module("act", ACTIVATIONS[act](inplace=True))
    return module


def _padding(padding: Padding, kernel: Kernel) -> Kernel:
    """SAME pads equally on all sides, as torchvision and timm do; kernels are odd."""
    if isinstance(padding, int):
        return padding, padding
    return (kernel[0] // 2, kernel[1] // 2) if padding == "same" else (0, 0)
