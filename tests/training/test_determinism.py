"""Deterministic mode: a deterministic network passes unchanged; what differs between two passes is named."""

from __future__ import annotations

import os
from collections import OrderedDict

import pytest
import torch
from torch import nn

from inceptionctl.errors import InceptionctlError
from inceptionctl.models.torch.build import build
from inceptionctl.models.torch.classifier import Output
from inceptionctl.models.zoo.registry import network
from inceptionctl.training.determinism import enable, self_check
from inceptionctl.training.losses import CrossEntropy

LOSS = CrossEntropy(0.1, 0.4, True)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(4, 3, 12, 12, generator=generator), torch.tensor([0, 1, 2, 0])


class Net(nn.Module):
    """A convolution with batch norm and dropout, the module under test, and a classifier."""

    def __init__(self, tested):
        super().__init__()
        self.stem = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 4, 3), bn=nn.BatchNorm2d(4), relu=nn.ReLU(True)))
        self.tested, self.dropout, self.logits = tested, nn.Dropout(0.5), nn.Linear(4, 3)

    def forward(self, x):
        return Output(self.logits(self.dropout(self.tested(self.stem(x)).mean(dim=(2, 3)))), {})


class Noisy(nn.Module):
    """Has a generator of its own, which is in no checkpoint."""

    def __init__(self):
        super().__init__()
        self.generator = torch.Generator().manual_seed(3)

    def forward(self, x):
        return x + torch.randn(x.shape, generator=self.generator)


class NoisyJoin(nn.Sequential):
    """Its children are deterministic, its own operator is not."""

    def forward(self, x):
        return torch.stack([super().forward(x), torch.rand(x.shape, generator=NoisyBackward.generator)]).sum(dim=0)


class NoisyBackward(torch.autograd.Function):
    generator = torch.Generator().manual_seed(3)

    @staticmethod
    def forward(ctx, x, weight):
        return x * weight

    @staticmethod
    def backward(ctx, grad):
        return grad, torch.rand((), generator=NoisyBackward.generator)


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return NoisyBackward.apply(x, self.weight)


class Counting(nn.Module):
    """A buffer that does not reach the output."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.seen += torch.rand((), generator=NoisyBackward.generator)
        return x


class Unpool(nn.MaxUnpool2d):
    """Torch has no deterministic kernel for it, not even on the CPU."""

    def forward(self, x):
        pooled, where = nn.functional.max_pool2d(x, 2, return_indices=True)
        return super().forward(pooled, where)


class PutBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad.put_(torch.tensor([0]), torch.tensor([1.0]))


class Put(nn.Module):
    def forward(self, x):
        return PutBackward.apply(x)


@pytest.fixture
def deterministic(monkeypatch):
    cudnn = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    enable()
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = cudnn
    os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)


def test_the_switches_are_set(deterministic, monkeypatch):
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.benchmark
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    enable()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


def test_a_deterministic_network_passes_and_is_unchanged(batch, deterministic):
    model = Net(nn.Identity()).eval()
    images, state = batch[0].clone(), {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random = torch.get_rng_state()
    self_check(model, LOSS, *batch)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert not model.training
    assert torch.equal(batch[0], images)


def test_an_inception_passes(deterministic):
    model = build(network("inception_v3", 10, head=True, width=0.1), (79, 79))
    images = torch.randn(4, 3, 79, 79, generator=torch.Generator().manual_seed(0))
    self_check(model.to(memory_format=torch.channels_last), LOSS, images, torch.arange(4))


@pytest.mark.parametrize(
    ("tested", "named"),
    [
        (Noisy(), r"the output of tested \(Noisy\)"),
        (nn.Sequential(nn.ReLU(), Noisy()), r"the output of tested\.1 \(Noisy\)"),
        (NoisyJoin(nn.ReLU()), r"the output of tested \(NoisyJoin\)"),
        (Scale(), r"the gradient of tested\.weight \(Scale\)"),
        (Counting(), r"the buffer tested\.seen \(Counting\)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_difference_between_two_passes_is_named(tested, named, batch):
    with pytest.raises(InceptionctlError, match=rf"deterministic mode: {named} differs.*deterministic=false"):
        self_check(Net(tested), LOSS, *batch)


def test_an_operator_that_torch_refuses_is_named_with_its_module(batch, deterministic):
    with pytest.raises(InceptionctlError, match=r"max_unpooling2d_forward_out in tested\.0 \(Unpool\) has no det"):
        self_check(Net(nn.Sequential(Unpool(2))), LOSS, *batch)


def test_an_operator_that_torch_refuses_in_backward_is_named(batch, deterministic):
    model, random = Net(Put()), torch.get_rng_state()
    with pytest.raises(InceptionctlError, match="put_ in the backward pass has no deterministic implementation"):
        self_check(model, LOSS, *batch)
    assert torch.equal(torch.get_rng_state(), random)


def test_another_error_is_unchanged(batch):
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        self_check(Net(nn.Conv2d(4, 5, 1)), LOSS, *batch)


def test_nan_equals_itself(batch):
    class Undefined(nn.Module):
        def forward(self, x):
            return x * float("nan")

    self_check(Net(Undefined()), LOSS, *batch)
