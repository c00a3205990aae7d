"""Turns a spec into a torch module. Parameter names follow the spec: `mixed_5b.branch3x3dbl.1.conv.weight`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor, nn

from inceptionctl.models.cost import Map, cost, fitted_kernel
from inceptionctl.models.spec import Cat, Conv, Dropout, Kernel, Linear, Named, Node, Padding, Pool, Res, Sep, Seq, Tap

BN_EPS = 1e-3  # every release of the family: architectures.md 0


@dataclass(frozen=True)
class Output:
    """Logits of the main head, (N, classes), and of each side head by the name of its tap."""

    logits: Tensor
    aux: dict[str, Tensor]


class Steps(nn.ModuleDict):
    def forward(self, x_NCHW: Tensor) -> Tensor:
        for step in self.values():
            x_NCHW = step(x_NCHW)
        return x_NCHW


class Concat(nn.ModuleDict):
    def forward(self, x_NCHW: Tensor) -> Tensor:
        return torch.cat([branch(x_NCHW) for branch in self.values()], dim=1)


class Residual(Steps):
    def __init__(self, steps: dict[str, nn.Module], scale: float, relu: bool) -> None:
        super().__init__(steps)
        self.scale, self.relu = scale, relu

    def forward(self, x_NCHW: Tensor) -> Tensor:
        out = x_NCHW + self.scale * super().forward(x_NCHW)
        return out.relu_() if self.relu else out


class ConvNormAct(nn.Sequential):
    """`conv`, or `depthwise` and `pointwise`; then `bn` and the ReLU, where the spec has them."""


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
            if isinstance(stage, Side):
                aux[name] = stage(x_NCHW)
            elif stage is not None:
                x_NCHW = stage(x_NCHW)
        return Output(x_NCHW, aux)


class Side(Steps):
    """A side head; its input goes on unchanged."""


def build(spec: Seq, hw: tuple[int, int], channels: int = 3, *, bn_momentum: float = 0.1) -> Classifier:
    """The network that `spec` describes, for images of `hw` pixels, with torch's default weights (see `init`).

    Raises ShapeError where the spec does not survive `hw`.
    """
    model = Classifier(dict(_in_order(spec, Map(*hw, channels))))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = bn_momentum
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
    return _with_norm(parts, node.filters, node.norm, node.relu)


@_build.register
def _(node: Sep, into: Map) -> nn.Module:
    wide = into.c * node.multiplier
    padding = _padding(node.padding, node.kernel)
    parts: dict[str, nn.Module] = {
        "depthwise": nn.Conv2d(into.c, wide, node.kernel, node.stride, padding, groups=into.c, bias=False),
        "pointwise": nn.Conv2d(wide, node.filters, 1, bias=False),
    }
    return _with_norm(parts, node.filters, norm=True, relu=True)


@_build.register
def _(node: Pool, into: Map) -> nn.Module:
    kernel = fitted_kernel(node, into)
    padding = _padding(node.padding, kernel)
    if node.kind == "max":
        return nn.MaxPool2d(kernel, node.stride, padding)
    return nn.AvgPool2d(kernel, node.stride, padding, count_include_pad=node.count_padding)


@_build.register
def _(node: Dropout, into: Map) -> nn.Module:
    return nn.Dropout(node.rate)


@_build.register
def _(node: Linear, into: Map) -> nn.Module:
    return FullyConnected(into.activations, node.features)


@_build.register
def _(node: Seq, into: Map) -> nn.Module:
    return Steps(dict(_in_order(node, into)))


@_build.register
def _(node: Cat, into: Map) -> nn.Module:
    return Concat({name: _build(child, into) for name, child in node})


@_build.register
def _(node: Res, into: Map) -> nn.Module:
    return Residual(dict(_in_order(node, into)), node.scale, node.relu)


@_build.register
def _(node: Tap, into: Map) -> nn.Module:
    return Side(dict(_in_order(node.head, into))) if isinstance(node.head, Seq) else nn.Identity()


def _in_order(node: Named, into: Map) -> Iterable[tuple[str, nn.Module]]:
    for name, child in node:
        yield name, _build(child, into)
        into = cost(child, (into.h, into.w), into.c).out


def _with_norm(parts: dict[str, nn.Module], filters: int, norm: bool, relu: bool) -> ConvNormAct:
    module = ConvNormAct()
    optional: dict[str, Any] = {
        "bn": nn.BatchNorm2d(filters, eps=BN_EPS) if norm else None,
        "relu": nn.ReLU(inplace=True) if relu else None,
    }
    for name, part in (parts | optional).items():
        if part is not None:
            module.add_module(name, part)
    return module


def _padding(padding: Padding, kernel: Kernel) -> Kernel:
    """SAME for odd kernels, the same on both sides as in torchvision and timm."""
    return (kernel[0] // 2, kernel[1] // 2) if padding == "same" else (0, 0)
