"""RMSProp against the formulas of TensorFlow 1 (training.md 10), and the losses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from inceptionctl.models.torch.classifier import Output
from inceptionctl.training.losses import CrossEntropy
from inceptionctl.training.optimizers import OPTIMIZERS, Momentum, RMSProp, parameter_groups


class Weights(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[0.5, -1.0], [2.0, 0.1]], dtype=torch.float64))


def gradients(steps):
    return [np.random.default_rng(step).normal(size=(2, 2)) for step in range(steps)]


def run(settings, lrs, weight_decay=0.0):
    model = Weights()
    optimizer = settings.build(parameter_groups(model, weight_decay))
    for lr, gradient in zip(lrs, gradients(len(lrs)), strict=True):
        model.weight.grad = torch.tensor(gradient)
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.step()
    return model.weight.detach().numpy()


@pytest.mark.parametrize("eps", [1.0, 1e-3])
def test_rmsprop_is_tensorflow_s(eps):
    """v starts at one, epsilon is inside the root, the learning rate (which changes) is inside the momentum."""
    lrs = [0.1] * 10 + [0.01] * 10
    w, v, b = Weights().weight.detach().numpy(), np.ones((2, 2)), np.zeros((2, 2))
    for lr, g in zip(lrs, gradients(20), strict=True):
        v = 0.9 * v + 0.1 * g**2
        b = 0.9 * b + lr * g / np.sqrt(v + eps)
        w = w - b
    found = run(RMSProp(name="rmsprop", momentum=0.9, decay=0.9, eps=eps), lrs)
    assert np.abs(found - w).max() < 1e-12


def test_weight_decay_is_an_l2_term_of_the_loss():
    w, b = Weights().weight.detach().numpy(), np.zeros((2, 2))
    for g in gradients(5):
        b = 0.9 * b + (g + 0.01 * w)
        w = w - 0.1 * b
    found = run(Momentum(name="momentum", momentum=0.9), [0.1] * 5, weight_decay=0.01)
    assert np.abs(found - w).max() < 1e-12


def test_biases_and_batch_norm_do_not_decay():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    decaying, free = parameter_groups(model, 4e-5)
    assert [p.ndim for p in decaying["params"]] == [4, 2]
    assert (len(free["params"]), free["weight_decay"]) == (4, 0.0)


def test_every_optimizer_of_the_configuration_has_an_entry():
    from inceptionctl.config.compose import groups

    assert sorted(OPTIMIZERS) == groups("train")["optim"]


def test_label_smoothing_is_the_paper_s():
    """Target (1 - 0.1) one-hot + 0.1 / K, so with K = 1000 the true class gets 0.9001 (training.md 4)."""
    logits, labels = torch.randn(4, 1000, dtype=torch.float64), torch.tensor([1, 2, 3, 4])
    target = torch.full((4, 1000), 0.1 / 1000, dtype=torch.float64)
    target[range(4), labels] += 0.9
    assert target[0, 1].item() == pytest.approx(0.9001)
    expected = -(target * logits.log_softmax(1)).sum(1).mean()
    found = CrossEntropy(0.1, 0.4, True)(Output(logits, {}), labels)
    assert found.item() == pytest.approx(expected.item(), abs=1e-12)


@pytest.mark.parametrize("smooth_aux", [True, False])
def test_the_loss_weighs_auxiliary_heads_and_smooths_them_or_not(smooth_aux):
    main, aux, labels = torch.randn(4, 7), torch.randn(4, 7), torch.tensor([1, 2, 3, 4])
    plain, smoothed = nn.CrossEntropyLoss(), nn.CrossEntropyLoss(label_smoothing=0.1)
    expected = smoothed(main, labels) + 0.4 * (smoothed if smooth_aux else plain)(aux, labels)
    assert torch.allclose(CrossEntropy(0.1, 0.4, smooth_aux)(Output(main, {"aux": aux}), labels), expected)
