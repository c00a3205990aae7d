"""The built network against timm's, and against the spec it was built from."""

import pytest
import timm
import torch
from torch.utils.flop_counter import FlopCounterMode

from inceptionctl.models.build import Classifier, build
from inceptionctl.models.cost import cost
from inceptionctl.models.init import initialise
from inceptionctl.models.registry import network
from inceptionctl.models.spec import Res, Seq, conv, linear_conv

LADDER = [
    {},
    {"factorized_7x7": True},
    {"separable_stem": True},
    {"low_resolution": 151},
    {"low_resolution": 79},
    {"stem_pools": 1, "blocks": (1, 2, 1)},
]


def relative(ours, theirs):
    """Largest difference relative to the largest output."""
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


@pytest.mark.parametrize("head", [True, False])
def test_inception_v3_equals_timm_s(head):
    """Weights go over by position, which holds because branches stand in the release's order. Float64, both modes."""
    torch.manual_seed(0)
    theirs = timm.create_model("inception_v3", aux_logits=head, drop_rate=0.0).double()
    ours = build(network("inception_v3", head=head), (299, 299)).double()
    ours.dropout.p = 0.0
    weights = list(theirs.state_dict().values())
    assert [w.shape for w in ours.state_dict().values()] == [w.shape for w in weights]
    ours.load_state_dict(dict(zip(ours.state_dict(), weights, strict=True)))
    images = torch.randn(2, 3, 299, 299, dtype=torch.float64)
    for training in (False, True):
        ours.train(training), theirs.train(training)
        with torch.no_grad():
            found, expected = ours(images), theirs(images)
        if head:
            expected, side = expected
            assert relative(found.aux["aux"], side) < 1e-9
        assert relative(found.logits, expected) < 1e-9


@pytest.mark.parametrize("rewrites", LADDER, ids=str)
@pytest.mark.parametrize("norm", [True, False])
def test_cost_is_what_torch_counts(rewrites, norm):
    pixels = rewrites.get("low_resolution", 299) if "blocks" not in rewrites else 79
    spec = network("inception_v2", 10, norm=norm, factor=0.125, rewrites=rewrites)
    model, told = build(spec, (pixels, pixels)).eval(), cost(spec, (pixels, pixels))
    assert sum(p.numel() for p in model.parameters()) == told.params
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        output = model(torch.zeros(1, 3, pixels, pixels))
    assert counter.get_total_flops() == 2 * told.macs
    assert output.logits.shape == output.aux["aux"].shape == (1, 10)


def test_parameter_names_read_like_the_papers():
    names = set(build(network("inception_v3", factor=0.125), (299, 299)).state_dict())
    assert {
        "mixed_5b.branch3x3dbl.1.conv.weight",
        "stem.conv_1a.bn.bias",
        "aux.fc.conv.weight",
        "logits.weight",
    } <= names


def test_every_parameter_gets_a_finite_gradient():
    torch.manual_seed(0)
    spec = network("inception_v2", 10, factor=0.125, rewrites={"stem_pools": 1, "blocks": (1, 2, 1)})
    model = build(spec, (79, 79))
    initialise(model, spec)
    output = model(torch.randn(2, 3, 79, 79))
    (output.logits.sum() + output.aux["aux"].square().sum()).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []


def test_a_residual_adds_what_it_scales():
    spec = Seq.of(block=Res((("a", linear_conv(3)),), scale=0.5, relu=False))
    model = build(spec, (4, 4))
    images = torch.randn(1, 3, 4, 4)
    assert torch.allclose(model(images).logits, images + 0.5 * model.block.a(images))


def test_initial_weights_follow_the_spec():
    torch.manual_seed(0)
    spec = network("inception_v3")
    model = build(spec, (299, 299))
    initialise(model, spec)
    assert model.aux.fc.conv.weight.std().item() == pytest.approx(0.01 * 0.8796, rel=0.01)
    assert model.aux.logits.weight.std().item() == pytest.approx(0.001 * 0.8796, rel=0.01)
    he = (2 / (9 * 448)) ** 0.5
    assert model.mixed_7b.get_submodule("branch3x3dbl.1.conv").weight.std().item() == pytest.approx(he, rel=0.01)


def test_batch_norm_momentum_is_the_one_asked_for():
    model = build(Seq.of(a=conv(4)), (8, 8), bn_momentum=0.25)
    assert isinstance(model, Classifier)
    assert model.a.bn.momentum == 0.25
