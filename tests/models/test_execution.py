"""Networks for inference: the same function as the network that was trained, with fewer operations."""

from __future__ import annotations

import pytest
import torch
from support.exported import noise, trained
from torch import nn

from inceptionctl.models.execution.inference import for_inference, without_heads
from inceptionctl.models.execution.merge import MergedConcat

NETWORKS = {
    "googlenet": 9,
    "bn_inception": 10,
    "inception_v3": 8,
    "inception_v4": 8,
    "inception_resnet_v2": 6,
    "xception": 0,
    "resnet50": 0,
    "mobilenet_v1": 0,
}  # fmt: skip  the modules that have sibling 1x1 convolutions, at the sizes of scale=digits


@pytest.mark.parametrize("arch", NETWORKS)
def test_folding_and_merging_keep_the_function(arch):
    found = trained(f"arch={arch}", "tuned=none")
    model = found.model.double()
    images = noise(found.arch.pixels, 3).double() / 127.5 - 1
    with torch.no_grad():
        expected, network = model(images).logits, for_inference(model)
        assert torch.equal(without_heads(model)(images), expected)
        assert (network(images) - expected).abs().max() < 1e-12 * expected.abs().max()
    kinds = [type(module) for module in network.modules()]
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert (MergedConcat in kinds) == (NETWORKS[arch] > 0)


@pytest.mark.parametrize("words", [["ablation=[pointwise_first]"], ["arch.rewrites.batch_norm=shift"]], ids=" ".join)
def test_layers_of_other_forms_are_folded_too(words):
    found = trained("arch=xception" if "pointwise" in words[0] else "arch=inception_v3", "tuned=none", *words)
    model = found.model.double()
    images = noise(found.arch.pixels, 2).double() / 127.5 - 1
    with torch.no_grad():
        expected = model(images).logits
        assert (for_inference(model)(images) - expected).abs().max() < 1e-12 * expected.abs().max()


def test_what_is_not_merged_keeps_its_name_and_the_model_its_layers():
    model = trained("arch=inception_v3").model
    before = set(model.state_dict())
    network = for_inference(model)
    assert set(model.state_dict()) == before
    others = {name for name in network.state_dict() if ".siblings." not in name}
    assert others - {name.replace(".conv.weight", ".conv.bias") for name in before} <= before
