"""Optimizers by name: settings and builder of each. The learning rate is set at every step, so none starts with one.

A new optimizer is a section of settings, a builder and a line of `OPTIMIZERS`, and `conf/optim/NAME.yaml`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from inceptionctl.settings import Positive, Share, section

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

Groups = list[dict[str, Any]]


@section
class OptimizerSettings:
    """What every optimizer has."""

    name: str
    """Which optimizer this is, a key of `OPTIMIZERS`."""


@section
class Momentum(OptimizerSettings):
    """SGD with momentum: what the paper used before RMSProp (Rethinking, section 8)."""

    name: Literal["momentum"]
    momentum: Share
    """Share of the previous update that is added to the gradient; 0 is plain SGD."""


def _momentum(groups: Groups, settings: Momentum) -> Optimizer:
    import torch

    return torch.optim.SGD(groups, lr=0.0, momentum=settings.momentum)


@section
class RMSProp(OptimizerSettings):
    """RMSProp as TensorFlow 1 computes it: accumulator from ones, epsilon inside the root, learning rate inside the
    momentum (training.md 10). timm's is exact in all three; a test holds it to the formulas."""

    name: Literal["rmsprop"]
    momentum: Share
    """Share of the previous update that is added to the scaled gradient."""
    decay: Share
    """Decay per step of the running average of squared gradients."""
    eps: Positive
    """Added to that average inside the root. At 1.0 the gradient is hardly scaled at all."""


def _rmsprop(groups: Groups, settings: RMSProp) -> Optimizer:
    from timm.optim.rmsprop_tf import RMSpropTF

    optimizer: Optimizer = RMSpropTF(groups, lr=0.0, alpha=settings.decay, eps=settings.eps, momentum=settings.momentum)
    return optimizer


@dataclass(frozen=True)
class OptimizerEntry:
    """`settings`: the section that `build` takes beside the parameter groups; `modules`: what it imports that takes
    long, for a launcher to load once."""

    settings: type[OptimizerSettings]
    build: Callable[[Groups, Any], Optimizer]
    modules: tuple[str, ...] = ()


OPTIMIZERS = {
    "momentum": OptimizerEntry(Momentum, _momentum),
    "rmsprop": OptimizerEntry(RMSProp, _rmsprop, modules=("timm.optim.rmsprop_tf",)),
}


def make_optimizer(model: nn.Module, settings: OptimizerSettings, weight_decay: float) -> Optimizer:
    """The optimizer of `model`'s parameters that `settings` name."""
    return OPTIMIZERS[settings.name].build(parameter_groups(model, weight_decay), settings)


def parameter_groups(model: nn.Module, weight_decay: float) -> Groups:
    """Convolution and fully connected weights decay; biases and batch norm do not (TF-slim)."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
