"""The torch modules that specs are built from. N images, C channels, H x W positions."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from inceptionctl.models.spec.nodes import Activation, Kernel, Norm


class Sequential(nn.ModuleDict):
    def forward(self, x_NCHW: Tensor) -> Tensor:
        for step in self.values():
            x_NCHW = step(x_NCHW)
        return x_NCHW


class AuxHead(Sequential):
    """An auxiliary head; the network passes its input on unchanged."""


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
        if self.residual_scale != 1.0:  # a product with 1 is one more pass over the map, forwards and backwards
            out = self.residual_scale * out
        out = (self.shortcut(x_NCHW) if self.shortcut else x_NCHW) + out
        return out.relu_() if self.ends_in_relu else out


class ConvNormAct(nn.Sequential):
    """`conv`, or `depthwise` and `pointwise`; then `bn` and `act` if the spec has them."""


class SegmentedConv2d(nn.ModuleList):
    """A convolution on each segment of the channels; for segments of unequal size, which `groups` cannot have."""

    def __init__(self, sizes: list[int], kernel: Kernel, stride: int, padding: Kernel, bias: bool) -> None:
        super().__init__(nn.Conv2d(size, size, kernel, stride, padding, bias=bias) for size in sizes)
        self.sizes = sizes

    def forward(self, x_NCHW: Tensor) -> Tensor:
        segments = torch.split(x_NCHW, self.sizes, dim=1)
        return torch.cat([conv(segment) for conv, segment in zip(self, segments, strict=True)], dim=1)


class BatchNorm2dNoScale(nn.BatchNorm2d):
    """Batch norm with a shift and no scale (TF-slim and Keras)."""

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.register_parameter("weight", None)


class Sigmoid(nn.Module):
    """torch's own has no form in place."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        return x.sigmoid_() if self.inplace else x.sigmoid()


class GridPool(nn.Module):
    """Means over `grid` x `grid` windows, as AdaptiveAvgPool2d, whose backward pass is not deterministic on a GPU."""

    def __init__(self, grid: int) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, x_NCHW: Tensor) -> Tensor:
        for axis in (2, 3):
            size = x_NCHW.shape[axis]
            windows = ((i * size // self.grid, -(-(i + 1) * size // self.grid)) for i in range(self.grid))
            means = [x_NCHW.narrow(axis, start, end - start).mean(axis, keepdim=True) for start, end in windows]
            x_NCHW = torch.cat(means, dim=axis)
        return x_NCHW


class ResponseNorm(nn.LocalResponseNorm):
    """Local response normalisation over channels, by a mean over the last axis of channels-last rows: torch's own goes
    through avg_pool3d, whose backward pass is not deterministic on a GPU."""

    def forward(self, x_NCHW: Tensor) -> Tensor:
        n, c, h, w = x_NCHW.shape
        squares = x_NCHW.square().permute(0, 2, 3, 1).reshape(1, n * h * w, c)
        padded = nn.functional.pad(squares, (self.size // 2, (self.size - 1) // 2))
        mean = nn.functional.avg_pool2d(padded, (1, self.size), 1).view(n, h, w, c).permute(0, 3, 1, 2)
        return x_NCHW / (mean * self.alpha + self.k) ** self.beta


class FullyConnected(nn.Linear):
    def forward(self, x_NCHW: Tensor) -> Tensor:
        return super().forward(x_NCHW.flatten(1))


NORMS: dict[Norm, type[nn.BatchNorm2d]] = {"full": nn.BatchNorm2d, "shift": BatchNorm2dNoScale}
ACTIVATIONS: dict[Activation, Callable[..., nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "elu": nn.ELU,
    "sigmoid": Sigmoid,
}
