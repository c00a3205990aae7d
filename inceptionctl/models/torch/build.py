"""Turns a spec into a torch module. Parameter names follow the spec: `mixed_5b.branch3x3dbl.1.conv.weight`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch

import torch
from torch import Tensor, nn

from inceptionctl.models.spec.cost import Map, cost, fitted_kernel, parts
from inceptionctl.models.spec.nodes import (
    LRN,
    Act,
    Activation,
    Cat,
    Conv,
    Dropout,
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
    Tap,
)


@dataclass(frozen=True)
class Output:
    """Logits of the main head, (N, classes), and of each side head by the name of its tap."""

    logits: Tensor
    aux: dict[str, Tensor]


class Sequential(nn.ModuleDict):
    def forward(self, x_NCHW: Tensor) -> Tensor:
        for step in self.values():
            x_NCHW = step(x_NCHW)
        return x_NCHW


class Concat(nn.ModuleDict):
    def forward(self, x_NCHW: Tensor) -> Tensor:
        return torch.cat([branch(x_NCHW) for branch in self.values()], dim=1)


class Residual(nn.Module):
    def __init__(self, steps: dict[str, nn.Module], shortcut: nn.Module | None, scale: float, relu: bool) -> None:
        super().__init__()
        for name, step in steps.items():
            self.add_module(name, step)
        self.shortcut = shortcut
        self.step_names, self.residual_scale, self.ends_in_relu = tuple(steps), scale, relu

    def forward(self, x_NCHW: Tensor) -> Tensor:
        out = x_NCHW
        for name in self.step_names:
            out = self.get_submodule(name)(out)
        out = (self.shortcut(x_NCHW) if self.shortcut else x_NCHW) + self.residual_scale * out
        return out.relu_() if self.ends_in_relu else out


class ConvNormAct(nn.Sequential):
    """`conv`, or `depthwise` and `pointwise`; then `bn` and the activation, where the spec has them."""


class SegmentedConv2d(nn.ModuleList):
    """A convolution on each segment of the channels, where `groups` will not do: they are not equal."""

    def __init__(self, sizes: list[int], kernel: Kernel, stride: int, padding: Kernel, bias: bool) -> None:
        super().__init__(nn.Conv2d(size, size, kernel, stride, padding, bias=bias) for size in sizes)
        self.sizes = sizes

    def forward(self, x_NCHW: Tensor) -> Tensor:
        parts = torch.split(x_NCHW, self.sizes, dim=1)
        return torch.cat([conv(part) for conv, part in zip(self, parts, strict=True)], dim=1)


class BatchNorm2dNoScale(nn.BatchNorm2d):
    """Batch norm with a shift and no scale (TF-slim and Keras)."""

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.register_parameter("weight", None)


class FullyConnected(nn.Linear):
    def forward(self, x_NCHW: Tensor) -> Tensor:
        return super().forward(x_NCHW.flatten(1))


class Classifier(nn.Module):
    """The network: its stages by name; a stage with a side head is a `Side`."""

    def __init__(self, stages: dict[str, nn.Module]) -> None:
        super().__init__()
        for name, stage in stages.items():
            self.add_module(name, stage)

    def forward(self, x_NCHW: Tensor) -> Output:
        aux: dict[str, Tensor] = {}
        for name, stage in self._modules.items():
            if isinstance(stage, AuxHead):
                aux[name] = stage(x_NCHW)
            elif stage is not None:
                x_NCHW = stage(x_NCHW)
        return Output(x_NCHW.flatten(1), aux)


class AuxHead(Sequential):
    """A side head; its input goes on unchanged."""


NORMS: dict[Norm, type[nn.BatchNorm2d]] = {"full": nn.BatchNorm2d, "shift": BatchNorm2dNoScale}
ACTIVATIONS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "relu6": nn.ReLU6, "elu": nn.ELU}


def build(
    spec: Seq, hw: tuple[int, int], channels: int = 3, *, bn_momentum: float = 0.1, bn_eps: float = 1e-3
) -> Classifier:
    """The network that `spec` describes, for images of `hw` pixels, with torch's default weights (see `init`).

    Raises ShapeError where the spec does not survive `hw`.
    """
    model = Classifier(dict(_in_order(spec, Map(*hw, channels))))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum, module.eps = bn_momentum, bn_eps
    return model


@singledispatch
def _build(node: Node, into: Map) -> nn.Module:
    raise TypeError(f"no module known for {type(node).__name__}")


@_build.register
def _(node: Conv, into: Map) -> nn.Module:
    kernel = fitted_kernel(node, into)
    padding = _padding(node.padding, kernel)
    parts: dict[str, nn.Module] = {
        "conv": nn.Conv2d(into.c, node.filters, kernel, node.stride, padding, bias=node.bias)
    }
    return _with_norm(parts, node.filters, node.norm, node.act)


@_build.register
def _(node: Sep, into: Map) -> nn.Module:
    c_spatial = node.filters if node.pointwise_first else into.c
    wide = c_spatial * node.multiplier
    c_pointwise = into.c if node.pointwise_first else wide
    steps: list[tuple[str, nn.Module]] = [
        ("depthwise", _spatial(node, c_spatial, wide)),
        ("pointwise", nn.Conv2d(c_pointwise, node.filters, 1, bias=node.bias and not node.pointwise_first)),
    ]
    first, last = reversed(steps) if node.pointwise_first else steps
    parts = dict([first])
    if node.norm_between:
        parts["bn_between"] = NORMS[node.norm_between](wide)
    if node.between:
        parts["act_between"] = ACTIVATIONS[node.between](inplace=True)
    return _with_norm(parts | dict([last]), node.filters, node.norm, node.act)


def _spatial(node: Sep, c: int, wide: int) -> nn.Module:
    padding, bias = _padding(node.padding, node.kernel), node.bias and node.pointwise_first
    if node.segments and c % node.segments:
        return SegmentedConv2d(parts(node.segments, c), node.kernel, node.stride, padding, bias)
    groups = node.segments or c
    return nn.Conv2d(c, wide, node.kernel, node.stride, padding, groups=groups, bias=bias)


@_build.register
def _(node: Pool, into: Map) -> nn.Module:
    if node.grid:
        return nn.AdaptiveAvgPool2d(node.grid)
    kernel, overhangs = fitted_kernel(node, into), node.padding in ("ceil", "tensorflow")
    padding = _near_edge(node, into) if node.padding == "tensorflow" else _padding(node.padding, kernel)
    if node.kind == "max":
        return nn.MaxPool2d(kernel, node.stride, padding, ceil_mode=overhangs)
    return nn.AvgPool2d(kernel, node.stride, padding, overhangs, count_include_pad=node.count_padding)


def _near_edge(node: Pool, into: Map) -> Kernel:
    """What TensorFlow's SAME pads at the near edges; the far ones are left to windows that hang over."""
    (h, w), s = node.kernel, node.stride
    lacking = (max(0, (-(-size // s) - 1) * s + k - size) for size, k in ((into.h, h), (into.w, w)))
    top, left = (count // 2 for count in lacking)
    return top, left


@_build.register
def _(node: LRN, into: Map) -> nn.Module:
    return nn.LocalResponseNorm(node.size, node.alpha, node.beta)


@_build.register
def _(node: Act, into: Map) -> nn.Module:
    return ACTIVATIONS[node.kind]()  # never in place: a shortcut may want the same tensor


@_build.register
def _(node: Dropout, into: Map) -> nn.Module:
    return nn.Dropout(node.rate)


@_build.register
def _(node: Linear, into: Map) -> nn.Module:
    layer = FullyConnected(into.activations, node.features)
    return nn.Sequential(OrderedDict(linear=layer, act=nn.ReLU(inplace=True))) if node.relu else layer


@_build.register
def _(node: Seq, into: Map) -> nn.Module:
    return Sequential(dict(_in_order(node, into)))


@_build.register
def _(node: Cat, into: Map) -> nn.Module:
    return Concat({name: _build(child, into) for name, child in node})


@_build.register
def _(node: Res, into: Map) -> nn.Module:
    shortcut = _build(node.shortcut, into) if node.shortcut else None
    return Residual(dict(_in_order(node, into)), shortcut, node.scale, node.relu)


@_build.register
def _(node: Tap, into: Map) -> nn.Module:
    return AuxHead(dict(_in_order(node.head, into))) if isinstance(node.head, Seq) else nn.Identity()


def _in_order(node: Named, into: Map) -> Iterable[tuple[str, nn.Module]]:
    for name, child in node:
        yield name, _build(child, into)
        into = cost(child, (into.h, into.w), into.c).out


def _with_norm(parts: dict[str, nn.Module], filters: int, norm: Norm, act: Activation | None) -> ConvNormAct:
    module = ConvNormAct(OrderedDict(parts))
    if norm:
        module.add_module("bn", NORMS[norm](filters))
    if act:
        module.add_module("act", ACTIVATIONS[act](inplace=True))
    return module


def _padding(padding: Padding, kernel: Kernel) -> Kernel:
    """SAME for odd kernels, the same on both sides as in torchvision and timm."""
    if isinstance(padding, int):
        return padding, padding
    return (kernel[0] // 2, kernel[1] // 2) if padding == "same" else (0, 0)
