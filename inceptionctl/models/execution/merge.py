"""Merges sibling 1x1 convolutions, the first layers of a module's branches, which all read the module's input."""

from __future__ import annotations

from itertools import groupby

import torch
from torch import Tensor, nn

from inceptionctl.models.torch.modules import Concat, ConvNormAct, Sequential


class MergedConcat(nn.Module):
    """A `Concat` whose branches in `merged` begin with a part of one convolution, of `sizes` filters each."""

    def __init__(self, branches: dict[str, nn.Module], convs: dict[str, nn.Conv2d], act: nn.Module | None) -> None:
        super().__init__()
        for name, branch in branches.items():
            self.add_module(name, branch)
        self.names, self.merged = tuple(branches), tuple(convs)
        self.sizes = [conv.out_channels for conv in convs.values()]
        self.siblings, self.siblings_act = _side_by_side(list(convs.values())), act

    def forward(self, x_NCHW: Tensor) -> Tensor:
        together = self.siblings(x_NCHW)
        if self.siblings_act is not None:
            together = self.siblings_act(together)
        parts = dict(zip(self.merged, together.split(self.sizes, dim=1), strict=True))
        return torch.cat([self.get_submodule(name)(parts.get(name, x_NCHW)) for name in self.names], dim=1)


def merge_siblings(network: nn.Module) -> None:
    """Changes `network`, whose batch norm is folded. What is merged is called `siblings`; all else keeps its name."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, Concat):
                parent._modules[name] = _merged(child)


def _merged(module: Concat) -> nn.Module:
    """With the largest group of branches that begin with a 1x1 convolution and have the same activation behind it."""
    first = {name: found for name, branch in module.items() if (found := _first(branch)) is not None}
    kinds = {name: repr(list(layer.children())[1:]) for name, layer in first.items()}
    groups = [list(names) for _, names in groupby(sorted(first, key=kinds.__getitem__), key=kinds.__getitem__)]
    chosen = max(groups, key=len, default=[])
    if len(chosen) < 2:
        return module
    convs = {name: first[name].conv for name in first if name in chosen}
    branches = {name: _rest(branch) if name in chosen else branch for name, branch in module.items()}
    act = first[chosen[0]]._modules.get("act")
    return MergedConcat(branches, convs, act)  # type: ignore[arg-type]


def _first(branch: nn.Module) -> ConvNormAct | None:
    """The layer that a branch begins with, if it is a plain 1x1 convolution."""
    layer = next(iter(branch.values()), None) if isinstance(branch, Sequential) else branch
    if not isinstance(layer, ConvNormAct) or set(layer._modules) - {"conv", "act"}:
        return None
    conv = layer.conv
    if not isinstance(conv, nn.Conv2d):
        return None
    how = (conv.kernel_size, conv.stride, conv.padding, conv.groups)
    return layer if how == ((1, 1), (1, 1), (0, 0), 1) else None


def _rest(branch: nn.Module) -> nn.Module:
    if not isinstance(branch, Sequential):
        return nn.Identity()
    _, *others = branch.items()
    return Sequential(dict(others))


def _side_by_side(convs: list[nn.Conv2d]) -> nn.Conv2d:
    """One convolution with the filters of all, in order; without a bias where none has one."""
    whole = nn.Conv2d(convs[0].in_channels, sum(conv.out_channels for conv in convs), 1, bias=False)
    whole.weight = nn.Parameter(torch.cat([conv.weight.detach() for conv in convs]))
    if any(conv.bias is not None for conv in convs):
        zeros = (conv.weight.new_zeros(conv.out_channels) for conv in convs)
        biases = [zero if conv.bias is None else conv.bias.detach() for conv, zero in zip(convs, zeros, strict=True)]
        whole.bias = nn.Parameter(torch.cat(biases))
    return whole
