"""Our networks against the libraries' own, weights carried over by the maps of names: float64, both modes."""

from __future__ import annotations

import pytest
import timm
import torch
import torchvision.models
from torch import nn

from inceptionctl.data.normalise import IMAGENET_DEVIATION, IMAGENET_MEAN
from inceptionctl.models.torch.build import build
from inceptionctl.models.weights.load import load_weights, to_release
from inceptionctl.models.weights.maps import name_map
from inceptionctl.models.zoo.registry import network

LIMIT = 1e-9  # of the largest output; 1e-13 is usual


def silent(message):
    raise AssertionError(f"nothing should have been left aside: {message}")


def randomised(model, seed=0):
    """Batch norm away from the identity, so that a swapped mean and scale would show; no dropout."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in (
                (module.running_mean, -0.5, 0.5), (module.running_var, 0.5, 2.0),
                (module.weight.data, 0.5, 1.5), (module.bias.data, -0.5, 0.5),
            ):  # fmt: skip
                tensor.uniform_(low, high, generator=generator)
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model.double()


def timm_s(name, **options):
    torch.manual_seed(0)
    return randomised(timm.create_model(name, **options))


def torchvision_s(name, **options):
    torch.manual_seed(0)
    return randomised(torchvision.models.get_model(name, **options))


def ours(arch, theirs, pixels, *, head=True, bn_eps=1e-3, say=silent):
    spec = network(arch, head=head)
    model = randomised(build(spec, (pixels, pixels), bn_eps=bn_eps), seed=1)
    load_weights(model, arch, theirs.state_dict(), say)
    return model


def relative(found, expected):
    """Largest difference relative to the largest output."""
    return ((found - expected).abs().max() / expected.abs().max()).item()


def images_of(pixels):
    return torch.randn(2, 3, pixels, pixels, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def assert_equal_outputs(model, theirs, images, their_images=None):
    """In training, then in evaluation with the statistics that training has moved."""
    for training in (True, False):
        model.train(training), theirs.train(training)
        with torch.no_grad():
            found, expected = model(images), theirs(images if their_images is None else their_images)
        logits, *sides = expected if isinstance(expected, tuple) else (expected,)
        assert relative(found.logits, logits) < LIMIT
        if sides:  # torchvision's GoogLeNet has the last head first
            heads = [found.aux[name] for name in sorted(found.aux, reverse=True)]
            assert all(relative(head, side) < LIMIT for head, side in zip(heads, sides, strict=True))


CASES = [
    # arch, library's model, pixels, bn_eps
    ("inception_v4", timm_s, "inception_v4", 139, 1e-3),
    ("inception_resnet_v2", timm_s, "inception_resnet_v2", 139, 1e-3),
    ("xception", timm_s, "legacy_xception", 139, 1e-5),
    ("mobilenet_v1", timm_s, "mobilenetv1_100", 96, 1e-5),
    ("resnet50", torchvision_s, "resnet50", 96, 1e-5),
    ("resnet50", timm_s, "resnet50", 96, 1e-5),
    ("vgg16", torchvision_s, "vgg16", 96, 1e-5),
    ("vgg16", timm_s, "vgg16", 96, 1e-5),
    ("alexnet", torchvision_s, "alexnet", 224, 1e-5),
]


@pytest.mark.parametrize(("arch", "make", "name", "pixels", "bn_eps"), CASES, ids=lambda v: getattr(v, "__name__", v))
def test_equals_the_library_s(arch, make, name, pixels, bn_eps):
    theirs = make(name)
    assert_equal_outputs(ours(arch, theirs, pixels, head=False, bn_eps=bn_eps), theirs, images_of(pixels))


@pytest.mark.parametrize(("head", "pixels"), [(True, 299), (False, 139)])
def test_inception_v3_equals_timm_s(head, pixels):
    theirs = timm_s("inception_v3", aux_logits=head)
    assert_equal_outputs(ours("inception_v3", theirs, pixels, head=head), theirs, images_of(pixels))


def test_inception_v3_equals_torchvision_s_on_its_own_input():
    """Its released weights take ImageNet's normalisation and make [-1, 1] of it; ours get that at once."""
    theirs = torchvision_s("inception_v3", aux_logits=True, transform_input=True, init_weights=False)
    images = torch.rand(2, 3, 299, 299, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    mean, deviation = (
        torch.tensor(c, dtype=torch.float64).view(1, 3, 1, 1) for c in (IMAGENET_MEAN, IMAGENET_DEVIATION)
    )
    assert_equal_outputs(ours("inception_v3", theirs, 299), theirs, images * 2 - 1, (images - mean) / deviation)


def test_googlenet_bn_equals_torchvision_s():
    theirs = torchvision_s("googlenet", aux_logits=True, init_weights=False)
    assert_equal_outputs(ours("googlenet_bn", theirs, 224), theirs, images_of(224))


def test_gradients_equal_timm_s():
    """Of the input and of every parameter, by the map of names; main and auxiliary head in the loss."""
    theirs = timm_s("inception_v3", aux_logits=True)
    model = ours("inception_v3", theirs, 299)
    images = [images_of(299).requires_grad_() for _ in range(2)]
    found, (logits, side) = model(images[0]), theirs(images[1])
    (found.logits.square().mean() + 0.4 * found.aux["aux"].square().mean()).backward()
    (logits.square().mean() + 0.4 * side.square().mean()).backward()
    assert relative(images[0].grad, images[1].grad) < LIMIT
    names = name_map("inception_v3", "timm")
    mine = dict(model.named_parameters())
    wrong = {
        k: relative(mine[names[k]].grad, p.grad) for k, p in theirs.named_parameters() if p.grad.abs().max() > 1e-12
    }
    assert [key for key, difference in wrong.items() if not difference < LIMIT] == []


def test_weights_converted_back_are_equal():
    theirs = torchvision_s("googlenet", aux_logits=True, init_weights=False)
    state = theirs.state_dict()
    back = to_release(ours("googlenet_bn", theirs, 224), "googlenet_bn", "torchvision")
    assert {k: v.shape for k, v in back.items()} == {k: v.shape for k, v in state.items()}
    assert [key for key in state if not torch.equal(back[key], state[key])] == []
