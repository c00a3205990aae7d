"""The built networks against the specs they were built from. What libraries say of them is in test_oracles.py."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from inceptionctl.models.spec.cost import cost
from inceptionctl.models.spec.nodes import LRN, Act, Pool, Res, Sep, Seq, conv, linear_conv
from inceptionctl.models.spec.shapes import ShapeError
from inceptionctl.models.torch.build import build
from inceptionctl.models.torch.classifier import Classifier
from inceptionctl.models.torch.init import SCHEMES, initialise
from inceptionctl.models.torch.modules import (
    BatchNorm2dNoScale,
    GridPool,
    Residual,
    ResponseNorm,
    SegmentedConv2d,
    Sigmoid,
)
from inceptionctl.models.zoo.registry import ARCHITECTURES, architecture, network

# Variants whose layers are not those of any network as it is.
VARIANTS = [
    ("inception_v2", {"separable_stem": True, "low_resolution": 79}),
    ("inception_v3", {"grid_reduction": "pool_first", "linear_factors": True, "batch_norm": "shift"}),
    ("inception_v3", {"grid_reduction": "convolve_first", "batch_norm": "none", "stem_pools": 1, "blocks": 0.4}),
    ("googlenet", {"naive_modules": True, "fully_connected": True}),
    ("bn_googlenet", {"five_by_five": "two_3x3", "lrn": "added", "asymmetric": True}),
    ("bn_inception", {"plain_stem": True, "count_padding": "counted", "activation": "sigmoid"}),
    ("xception", {"segments": 3, "between": "elu", "fc_layers": True}),
    ("xception", {"segments": 4, "pointwise_first": True, "batch_norm": "none"}),
    ("inception_resnet_v2", {"naive_modules": True, "residual_scale": 1.0}),
    ("resnet50", {"non_residual": True}),
    ("mobilenet_v1", {"batch_norm": "none"}),
]  # fmt: skip


def smallest(spec):
    """The least number of pixels that `spec` survives."""
    for pixels in range(8, 320):
        try:
            cost(spec, (pixels, pixels))
        except ShapeError:
            continue
        return pixels
    raise AssertionError("survives nothing")


def counted(model, pixels):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, pixels, pixels))
    return counter.get_total_flops()


@pytest.mark.parametrize(
    ("name", "rewrites"), [*((name, {}) for name in ARCHITECTURES), *VARIANTS], ids=lambda value: str(value)
)
def test_cost_is_what_torch_counts(name, rewrites):
    spec = network(name, 10, width=0.25, rewrites=rewrites)
    pixels = architecture(name).pixels
    model, told = build(spec, (pixels, pixels)).eval(), cost(spec, (pixels, pixels))
    assert sum(p.numel() for p in model.parameters()) == told.params
    assert counted(model, pixels) == 2 * told.macs


@pytest.mark.parametrize(
    ("name", "rewrites"), [*((name, {}) for name in ARCHITECTURES), *VARIANTS], ids=lambda value: str(value)
)
def test_everything_trains(name, rewrites):
    """At the smallest input, every parameter gets a finite gradient from one optimizer step, and moves by it."""
    torch.manual_seed(0)
    spec = network(name, 10, width=0.1, rewrites=rewrites)
    pixels = smallest(spec)
    model = build(spec, (pixels, pixels)).train()
    initialise(model, spec, architecture(name).init)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    output = model(torch.randn(4, 3, pixels, pixels))
    labels = torch.arange(4)
    sum(nn.functional.cross_entropy(logits, labels) for logits in (output.logits, *output.aux.values())).backward()
    optimizer.step()
    wrong = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert wrong == []
    assert all(p.isfinite().all() for p in model.parameters())


def test_parameter_names_read_like_the_papers():
    names = set(build(network("inception_v3", width=0.125), (299, 299)).state_dict())
    assert {
        "mixed_5b.branch3x3dbl.1.conv.weight",
        "stem.conv_1a.bn.bias",
        "aux.fc.conv.weight",
        "logits.weight",
    } <= names


def test_outputs_of_auxiliary_heads_in_both_modes():
    model = build(network("googlenet", 10, width=0.1), (128, 128))
    images = torch.randn(2, 3, 128, 128)
    for training in (True, False):
        output = model.train(training)(images)
        assert list(output.aux) == ["aux_4a", "aux_4d"]
        assert {logits.shape for logits in (output.logits, *output.aux.values())} == {(2, 10)}


def test_sigmoids_stand_for_every_relu_and_have_torch_s_gradients():
    names = {
        kind: [
            path
            for path, module in build(
                network("bn_inception", 10, width=0.1, rewrites=rewrites), (64, 64)
            ).named_modules()
            if isinstance(module, kind)
        ]
        for kind, rewrites in ((nn.ReLU, {}), (Sigmoid, {"activation": "sigmoid"}))
    }
    assert names[Sigmoid] == names[nn.ReLU] != []
    inputs = [torch.linspace(-9, 9, 64, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    for sigmoid, x in zip((nn.Sigmoid(), Sigmoid(), Sigmoid(inplace=True)), inputs, strict=True):
        (sigmoid(1.0 * x) ** 2).sum().backward()
    assert all(torch.equal(x.grad, inputs[0].grad) for x in inputs)


def test_a_residual_adds_what_it_scales():
    spec = Seq.of(block=Res((("a", linear_conv(3)),), scale=0.5, relu=False))
    model = build(spec, (4, 4))
    images = torch.randn(1, 3, 4, 4)
    assert torch.allclose(model.block(images), images + 0.5 * model.block.a(images))


def test_a_residual_s_shortcut_sees_the_input_before_its_first_relu():
    """Xception's blocks open with a ReLU, which in place would change what the shortcut adds."""
    spec = Seq.of(block=Res((("relu", Act()), ("a", linear_conv(3))), relu=False, shortcut=linear_conv(3)))
    model = build(spec, (4, 4)).eval()
    images = torch.randn(1, 3, 4, 4)
    block = model.block
    assert isinstance(block, Residual)
    assert torch.allclose(block(images), block.shortcut(images) + block.a(images.relu()))


@pytest.mark.parametrize("channels", [64, 66])
def test_segments_mix_no_channels_of_one_another(channels):
    spec = Seq.of(a=Sep(channels, segments=4, norm=None, act=None))
    spatial = build(spec, (5, 5), channels).a.depthwise
    assert isinstance(spatial, SegmentedConv2d) == (channels == 66)
    images = torch.randn(1, channels, 5, 5)
    moved = images.clone()
    moved[:, 0] += 1
    changed = (spatial(images) - spatial(moved)).abs().amax(dim=(0, 2, 3)) > 1e-6
    assert changed.nonzero()[:, 0].tolist() == list(range(17 if channels == 66 else 16))


def test_order_of_the_steps_with_pointwise_first():
    model = build(Seq.of(a=Sep(8, stride=2, pointwise_first=True, between="elu")), (9, 9), 4)
    assert [name for name, _ in model.a.named_children()] == ["pointwise", "act_between", "depthwise", "bn", "act"]
    assert (model.a.depthwise.groups, model.a.depthwise.stride) == (8, (2, 2))


def test_batch_norm_without_scale():
    model = build(Seq.of(a=conv(4), b=Pool("max")), (8, 8))
    shifted = build(network("inception_v3", width=0.1, rewrites={"batch_norm": "shift"}), (299, 299))
    norms = [m for m in shifted.modules() if isinstance(m, nn.BatchNorm2d)]
    assert model.a.bn.weight is not None
    assert norms
    assert all(isinstance(m, BatchNorm2dNoScale) and m.weight is None and m.bias is not None for m in norms)


def test_lrn_is_caffe_s():
    """x / (1 + alpha / n * sum of squares over n channels) ** beta."""
    images = torch.rand(1, 7, 2, 2, dtype=torch.float64) * 50
    found = build(Seq.of(a=LRN()), (2, 2), 7).a(images)
    squares = torch.stack([images[:, max(0, c - 2) : c + 3].square().sum(dim=1) for c in range(7)], dim=1)
    assert torch.allclose(found, images / (1 + 1e-4 / 5 * squares) ** 0.75)


def test_ceil_pools_have_tensorflow_s_windows_on_even_maps():
    """3x3/2 on 8: windows begin at 0, 2, 4 and 6, the last hangs over the edge."""
    row = torch.arange(8.0).view(1, 1, 1, 8).expand(1, 1, 8, 8)
    pool = build(Seq.of(a=Pool("max", stride=2, padding="ceil")), (8, 8), 1).a
    assert pool(row)[0, 0, 0].tolist() == [2.0, 4.0, 6.0, 7.0]


@pytest.mark.parametrize("size", [7, 8, 9, 14, 19])
def test_tensorflow_s_pools_keep_half_the_grid_and_pad_the_far_edge_first(size):
    """By hand: pad as SAME does, (k - 1) // 2 and the rest, with what can be no maximum."""
    images = torch.randn(1, 2, size, size)
    pool = build(Seq.of(a=Pool("max", stride=2, padding="tensorflow")), (size, size), 2).a
    out = -(-size // 2)
    total = (out - 1) * 2 + 3 - size
    near, far = total // 2, total - total // 2
    padded = nn.functional.pad(images, (near, far, near, far), value=float("-inf"))
    assert pool(images).shape == (1, 2, out, out)
    assert torch.equal(pool(images), nn.functional.max_pool2d(padded, 3, 2))


def test_momentum_and_epsilon_of_batch_norm():
    model = build(Seq.of(a=conv(4)), (8, 8), bn_momentum=0.25, bn_eps=1e-5)
    assert isinstance(model, Classifier)
    assert (model.a.bn.momentum, model.a.bn.eps) == (0.25, 1e-5)


# First weights.

CUT = 0.87962566103423978  # deviation of a unit normal without what lies beyond two (SciPy: truncnorm(-2, 2).std())


def filled(name, scheme, **options):
    torch.manual_seed(0)
    spec, pixels = network(name, **options), architecture(name).pixels
    model = build(spec, (pixels, pixels))
    initialise(model, spec, scheme, stated=scheme == architecture(name).init)
    return model


def deviation(module):
    return module.weight.std().item()


def test_deviations_of_the_release_take_precedence_over_its_scheme():
    model = filled("inception_v3", "he")
    assert deviation(model.aux.fc.conv) == pytest.approx(0.01 * CUT, rel=0.01)
    assert deviation(model.aux.logits) == pytest.approx(0.001 * CUT, rel=0.01)
    he = (2 / (9 * 448)) ** 0.5
    assert deviation(model.mixed_7b.get_submodule("branch3x3dbl.1.conv")) == pytest.approx(he, rel=0.01)


def test_bn_inception_s_deviations_are_tf_slim_s():
    model = filled("bn_inception", "he")
    assert deviation(model.inception_5b.get_submodule("branch3x3.0.conv")) == pytest.approx(0.09 * CUT, rel=0.01)
    assert deviation(model.inception_5b.get_submodule("branch_pool.1.conv")) == pytest.approx(0.1 * CUT, rel=0.01)
    assert deviation(model.stem.conv_1a.depthwise) == pytest.approx(1.0 * CUT, rel=0.05)


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("he", (2 / 1024) ** 0.5),
        ("xavier", (2 / (1024 + 1000)) ** 0.5),
        ("truncated_normal", 0.1 * CUT),
        ("truncated_normal_0.01", 0.01 * CUT),
    ],
)
def test_schemes(scheme, expected):
    model = filled("bn_googlenet", scheme)
    assert deviation(model.logits) == pytest.approx(expected, rel=0.01)
    assert model.logits.bias.abs().max() == 0
    assert set(SCHEMES) == {"he", "xavier", "truncated_normal", "truncated_normal_0.01"}


def test_truncated_normals_are_scipy_s_distribution():
    from scipy.stats import kstest, truncnorm

    drawn = filled("bn_googlenet", "truncated_normal").logits.weight.detach().flatten()[:20_000].double().numpy()
    assert abs(drawn).max() <= 0.2
    assert kstest(drawn / 0.1, truncnorm(-2, 2).cdf).pvalue > 0.001


@pytest.mark.parametrize(("grid", "size"), [(6, 13), (7, 7), (7, 2), (4, 14), (3, 5)])
def test_grid_pools_are_torchs_adaptive_ones(grid, size):
    x = torch.randn(2, 3, size, size + 1, dtype=torch.float64, requires_grad=True)
    gradients = []
    for pool in (GridPool(grid), torch.nn.AdaptiveAvgPool2d(grid)):
        y = pool(x)
        gradients.append(torch.autograd.grad((y * torch.arange(y.numel()).view_as(y)).sum(), x)[0])
        torch.testing.assert_close(y, torch.nn.AdaptiveAvgPool2d(grid)(x))
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("size", [5, 4])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_response_norm_is_torchs(size, memory_format):
    x = torch.randn(2, 9, 4, 5, dtype=torch.float64).to(memory_format=memory_format).requires_grad_()
    ours, theirs = (kind(size, 0.5, 0.75)(x) for kind in (ResponseNorm, torch.nn.LocalResponseNorm))
    torch.testing.assert_close(ours, theirs)
    gradients = [torch.autograd.grad(y.sin().sum(), x)[0] for y in (ours, theirs)]
    torch.testing.assert_close(*gradients)
