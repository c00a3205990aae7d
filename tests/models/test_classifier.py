"""What users of timm know of a network: its features, its head, and other classes. timm's own models are the oracle."""

from __future__ import annotations

import pytest
import torch
from models.test_oracles import images_of, ours, relative, timm_s

from inceptionctl.models.torch.build import build
from inceptionctl.models.zoo.registry import ARCHITECTURES, architecture, network

LIMIT = 1e-12
SAME_STAGES = [
    ("inception_v3", "inception_v3", 139, 1e-3),
    ("inception_v4", "inception_v4", 139, 1e-3),
    ("inception_resnet_v2", "inception_resnet_v2", 139, 1e-3),
    ("xception", "legacy_xception", 139, 1e-5),
    ("resnet50", "resnet50", 96, 1e-5),
]


@pytest.mark.parametrize(("arch", "name", "pixels", "bn_eps"), SAME_STAGES, ids=[case[0] for case in SAME_STAGES])
@torch.no_grad()
def test_features_and_head_are_timm_s(arch, name, pixels, bn_eps):
    theirs, images = timm_s(name).eval(), images_of(pixels)
    model = ours(arch, theirs, pixels, head=False, bn_eps=bn_eps).eval()
    features, expected = model.forward_features(images), theirs.forward_features(images)
    assert relative(features, expected) < LIMIT
    assert relative(model.forward_head(features), theirs.forward_head(expected)) < LIMIT
    pooled = model.forward_head(features, pre_logits=True)
    assert relative(pooled, theirs.forward_head(expected, pre_logits=True)) < LIMIT
    assert model.num_features == theirs.num_features == pooled.shape[1]


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
@torch.no_grad()
def test_every_network_is_its_features_and_its_head(name):
    pixels = architecture(name).pixels
    model = build(network(name, width=0.1), (pixels, pixels)).eval()
    images = torch.rand(2, 3, pixels, pixels, generator=torch.Generator().manual_seed(0))
    features = model.forward_features(images)
    assert features.dim() == 4
    assert features.shape[2] > 1, "a map that is not pooled yet"
    assert torch.equal(model.forward_head(features), model(images).logits)
    assert model.forward_head(features, pre_logits=True).shape == (2, model.num_features)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3", "nin", "vgg16"])
def test_other_classes_leave_all_other_weights(name):
    pixels = architecture(name).pixels
    model = build(network(name, width=0.1), (pixels, pixels)).double()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.reset_classifier(7)
    output = model(torch.zeros(2, 3, pixels, pixels, dtype=torch.float64))
    assert {logits.shape for logits in (output.logits, *output.aux.values())} == {(2, 7)}
    kept = {key for key, value in model.state_dict().items() if value.shape == before[key].shape}
    assert {key for key in before if "logits" in key.split(".")} == before.keys() - kept
