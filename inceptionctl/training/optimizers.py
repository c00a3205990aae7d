"""Optimizers by name: each a section of settings that builds it. The learning rate is set at every step, so none starts
with one.

A new optimizer is a class and a line of `OPTIMIZERS`, and `conf/optim/NAME.yaml`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from inceptionctl.settings import Positive, Share, section

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

ParameterGroups = list[dict[str, Any]]


@section
class OptimizerSettings(ABC):
    """What every optimizer has."""

    modules: ClassVar[tuple[str, ...]] = ()
    """What `build` imports that takes long, for a launcher to load once."""

    name: str

    @abstractmethod
    def build(self, groups: ParameterGroups) -> Optimizer:
        """The optimizer of these parameters."""


@section
class Momentum(OptimizerSettings):
    """SGD with momentum: what the paper used before RMSProp (Rethinking, section 8)."""

    name: Literal["momentum"]
    momentum: Share
    """Share of the previous update that is added to the gradient; 0 is plain SGD."""

    def build(self, groups: ParameterGroups) -> Optimizer:
        import torch

        return torch.optim.SGD(groups, lr=0.0, momentum=self.momentum)


@section
class RMSProp(OptimizerSettings):
    """RMSProp as TensorFlow 1 computes it: accumulator from ones, epsilon inside the root, learning rate inside the
    momentum (training.md 10). timm's is exact in all three; a test holds it to the formulas."""

    modules = ("timm.optim.rmsprop_tf",)

    name: Literal["rmsprop"]
    momentum: Share
    """Share of the previous update that is added to the scaled gradient."""
    decay: Share
    """Decay per step of the running average of squared gradients."""
    eps: Positive
    """Added to that average inside the root. At 1.0 the gradient is hardly scaled at all."""

    def build(self, groups: ParameterGroups) -> Optimizer:
        from timm.optim.rmsprop_tf import RMSpropTF

        optimizer: Optimizer = RMSpropTF(groups, lr=0.0, alpha=self.decay, eps=self.eps, momentum=self.momentum)
        return optimizer


OPTIMIZERS: dict[str, type[OptimizerSettings]] = {"momentum": Momentum, "rmsprop": RMSProp}


def parameter_groups(model: nn.Module, weight_decay: float) -> ParameterGroups:
    """Convolution and fully connected weights decay; biases and batch norm do not (TF-slim)."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
