"""1 / sqrt(v + eps) against NumPy and its closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from inceptionctl.training.optimizer_stats import inverse_rms
from inceptionctl.training.optimizers import Momentum, RMSProp, parameter_groups


def rmsprop(model, eps):
    return RMSProp(name="rmsprop", momentum=0.9, decay=0.9, eps=eps).build(parameter_groups(model, 0.0))


def trained(model, steps, scale, eps):
    """`model`'s optimizer after `steps` gradients of normal values, `scale` in size, and the v that they give."""
    optimizer = rmsprop(model, eps)
    generator = np.random.default_rng(0)
    v = [np.ones(tuple(p.shape)) for p in model.parameters()]
    for _ in range(steps):
        for place, parameter in enumerate(model.parameters()):
            gradient = scale * generator.normal(size=tuple(parameter.shape))
            parameter.grad = torch.tensor(gradient, dtype=parameter.dtype)
            v[place] = 0.9 * v[place] + 0.1 * gradient**2
        optimizer.step()
    return optimizer, np.concatenate([one.ravel() for one in v])


@pytest.mark.parametrize("eps", [1.0, 1e-3, 1e-8])
def test_the_statistics_are_those_of_numpy(eps):
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8, 5)).double()
    optimizer, v = trained(model, 30, scale=1.0, eps=eps)
    inverse = 1 / np.sqrt(v + eps)
    p1, p99 = np.percentile(inverse, [1, 99])
    expected = {"inv_rms_mean": inverse.mean(), "inv_rms_p1": p1, "inv_rms_p99": p99}
    assert inverse_rms(optimizer) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("steps", "eps"), [(1, 1.0), (60, 1.0), (88, 1.0), (88, 1e-3)])
def test_without_gradients_what_is_left_is_the_start_at_ones(steps, eps):
    """At epsilon 1: 0.73 after one step, 0.9991 after 60, 0.99995 after 88 (training.md 10)."""
    optimizer, _ = trained(nn.Linear(2, 2), steps, scale=0.0, eps=eps)
    expected = 1 / math.sqrt(0.9**steps + eps)
    assert list(inverse_rms(optimizer).values()) == pytest.approx([expected] * 3, rel=1e-6)


def test_small_gradients_leave_momentum_sgd():
    found = inverse_rms(trained(nn.Linear(20, 20), 88, scale=1e-3, eps=1.0)[0])
    assert found["inv_rms_mean"] == pytest.approx(0.99995, abs=1e-5)
    assert found["inv_rms_p1"] == pytest.approx(found["inv_rms_p99"], abs=1e-5)


def test_percentiles_are_exact_beyond_what_floats_can_count():
    n = 2**24 + 1001
    parameter = nn.Parameter(torch.zeros(n))
    optimizer = rmsprop(nn.ParameterList([parameter]), eps=1e-300)
    inverse = np.linspace(1.0, 2.0, n)
    optimizer.state[parameter]["square_avg"] = torch.tensor(inverse[::-1] ** -2.0)
    assert inverse_rms(optimizer) == pytest.approx(
        {"inv_rms_mean": 1.5, "inv_rms_p1": 1.01, "inv_rms_p99": 1.99}, rel=1e-12
    )


def test_other_optimizers_have_none():
    model = nn.Linear(2, 2)
    momentum = Momentum(name="momentum", momentum=0.9).build(parameter_groups(model, 0.0))
    assert inverse_rms(momentum) is None
    assert not momentum.state  # looking leaves no trace: a checkpoint would keep it
    assert inverse_rms(rmsprop(model, eps=1.0)) is None  # before its first step
