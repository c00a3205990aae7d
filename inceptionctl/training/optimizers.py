"""Optimizers by name. Each takes its rate at every step from the schedule, so it starts with none."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


def sgd(model: nn.Module, weight_decay: float, momentum: float) -> torch.optim.Optimizer:
    """SGD with momentum 0.9: what the paper used before RMSProp (Rethinking, section 8)."""
    return torch.optim.SGD(parameter_groups(model, weight_decay), lr=0.0, momentum=momentum)


def rmsprop(model: nn.Module, weight_decay: float, momentum: float, decay: float, eps: float) -> torch.optim.Optimizer:
    """RMSProp as TensorFlow 1 computes it: accumulator from ones, epsilon inside the root, rate inside the momentum
    (training.md 10). timm's is exact in all three; a test holds it to the formulas."""
    from timm.optim.rmsprop_tf import RMSpropTF

    groups = parameter_groups(model, weight_decay)
    optimizer: torch.optim.Optimizer = RMSpropTF(groups, lr=0.0, alpha=decay, eps=eps, momentum=momentum)
    return optimizer


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {"momentum": sgd, "rmsprop": rmsprop}


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Convolution and fully connected weights decay; biases and batch norm do not (TF-slim)."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
