"""The counts of `cost` against the project's reference figures, to the last digit, and against small sums by hand."""

from dataclasses import replace

import pytest

from inceptionctl.models.spec.cost import cost, weight_macs
from inceptionctl.models.spec.nodes import Cat, Conv, Linear, Pool, Res, Sep, Seq, conv, global_pool, linear_conv
from inceptionctl.models.spec.rewrite import after, fit_residuals, rewritten, swap, without
from inceptionctl.models.spec.rules import naive
from inceptionctl.models.spec.shapes import ShapeError
from inceptionctl.models.zoo.inception_v3 import STEM_7X7, STEM_TABLE_1, module_b
from inceptionctl.models.zoo.inception_v4 import block_c, reduction_resnet
from inceptionctl.models.zoo.registry import ARCHITECTURES, architecture, network
from inceptionctl.papers.records import load

PIXELS = (299, 299)


def plain(name, **options):
    return network(name, head=False, **options)


def slim(name, **options):
    """As TF-slim counts: batch norm without a scale, and a class for the background."""
    return network(name, 1001, rewrites={"batch_norm": "shift"}, **options)


def biased(spec):
    return rewritten(spec, lambda node: replace(node, bias=True) if isinstance(node, Conv) else node)


def with_stem(stem, **layers):
    return swap(plain("inception_v2"), stem=swap(stem, **layers))


def table_1_behind_7x7(first):
    """Layers 4 to 7 of Rethinking's Table 1 behind GoogLeNet's first."""
    stem = swap(without(STEM_TABLE_1, "conv_2a", "conv_2b"), conv_1a=first)
    return swap(plain("inception_v2_table1"), stem=stem)


def separable():
    return Sep(64, (7, 7), 2, "valid", multiplier=8)


def resnet_v2_paper_with_2048():
    """The paper's network with the Reduction-B of v1, after which the printed 2048 channels are right."""
    spec = swap(plain("inception_resnet_v2_paper"), reduction_b=reduction_resnet(256, 256, 256))
    return fit_residuals(spec)[0]


def resnet_v2_paper_twice_as_deep():
    spec = plain("inception_resnet_v2_paper")
    for kind, count in (("a", 5), ("b", 10), ("c", 5)):
        for i in range(count):
            spec = after(spec, f"block_{kind}{count}", f"block_{kind}_more_{i}", spec[f"block_{kind}1"])
    return spec


SEPARABLE = {"separable_stem": True}
ONE_MORE = ("mixed_6e", "mixed_6f", module_b(160))
# In the order of `computed_costs` in papers.yaml: each entry there has a network here.
COUNTED = [
    lambda: plain("googlenet"),
    lambda: network("googlenet"),
    lambda: plain("googlenet", rewrites=SEPARABLE),
    lambda: network("googlenet", rewrites=SEPARABLE),
    lambda: plain("googlenet_bn"),
    lambda: network("googlenet_bn"),
    lambda: slim("googlenet_bn", head=False),
    lambda: plain("bn_inception"),
    lambda: plain("bn_inception_128"),
    lambda: plain("bn_inception", rewrites={"plain_stem": True}),
    lambda: plain("bn_inception_128", rewrites={"plain_stem": True}),
    lambda: biased(plain("bn_inception_128", rewrites={"plain_stem": True})),
    lambda: slim("bn_inception"),
    lambda: plain("inception_v3"),
    lambda: network("inception_v3"),
    lambda: network("inception_v3", norm=False),
    lambda: plain("inception_v3", rewrites={"batch_norm": "shift"}),
    lambda: slim("inception_v3"),
    lambda: plain("inception_v2_table1"),
    lambda: after(plain("inception_v2_table1"), *ONE_MORE),
    lambda: plain("inception_v2_table1", rewrites={"five_by_five": "one_3x3"}),
    lambda: with_stem(STEM_7X7, conv_2b=conv(80)),
    lambda: with_stem(STEM_7X7, conv_2b=conv(80), conv_1a=separable()),
    lambda: plain("inception_v2", rewrites=SEPARABLE),
    lambda: plain("inception_v2"),
    lambda: table_1_behind_7x7(conv(64, 7, 2, "valid")),
    lambda: table_1_behind_7x7(separable()),
    lambda: plain("inception_v4"),
    lambda: network("inception_v4"),
    lambda: slim("inception_v4"),
    lambda: plain("inception_resnet_v1"),
    lambda: after(plain("inception_resnet_v1"), "block_c5", "block_c6", block_c(1792, 192, 192)),
    lambda: plain("inception_resnet_v2_paper"),
    resnet_v2_paper_with_2048,
    resnet_v2_paper_twice_as_deep,
    lambda: plain("inception_resnet_v2"),
    lambda: network("inception_resnet_v2"),
    lambda: plain("xception"),
    lambda: plain("xception_plain"),
    *(lambda name=name: plain(name) for name in (
        "alexnet", "vgg16", "vgg19", "resnet50", "resnet101", "resnet152", "mobilenet_v1",
    )),
]  # fmt: skip
NATIVE = {"GoogLeNet", "BN-Inception", "AlexNet", "VGG-16", "VGG-19", "ResNet-50", "ResNet-101", "ResNet-152"}


def total(spec, pixels):
    found = cost(spec, (pixels, pixels))
    return {"params": found.params, "macs": found.macs}


@pytest.mark.parametrize(
    ("entry", "spec"),
    list(zip(load()["computed_costs"], COUNTED, strict=True)),
    ids=[f"{entry['network']}: {entry['variant'][:40]}" for entry in load()["computed_costs"]],
)
def test_every_computed_cost_of_the_reference(entry, spec):
    pixels = 224 if entry["network"] in NATIVE or entry["network"].startswith("MobileNet") else 299
    assert total(spec(), pixels) == {"params": entry["params"], "macs": entry["macs"]}


@pytest.mark.parametrize(
    ("name", "aux"), [("inception_v3", "Inception-v3"), ("inception_v4", "Inception-v4"),
                      ("inception_resnet_v2", "Inception-ResNet-v2")]
)  # fmt: skip
def test_the_cost_of_an_auxiliary_head(name, aux):
    entry = next(e for e in load()["computed_costs"] if e["network"] == aux and "aux_params" in e)
    whole, body = cost(network(name), PIXELS), cost(plain(name), PIXELS)
    assert (whole.params - body.params, whole.macs - body.macs) == (entry["aux_params"], entry["aux_macs"])


def test_bn_inception_s_13_6_million_include_one_auxiliary_head():
    headed = cost(network("bn_inception", at=["inception_4d"]), (224, 224))
    head = [layer for layer in headed.layers if layer.path.startswith("aux.")]
    assert 11_188_288 + sum(weight_macs(layer)[0] for layer in head) == 13_602_880  # biases and norm left out


def test_nin_has_the_parameters_of_the_public_model():
    assert total(plain("nin"), 224)["params"] == 7_595_176


def test_the_table_s_rows_with_their_auxiliary_head():
    assert total(network("inception_v2"), 299)["params"] == 23_786_632 + 3_325_160 == 27_111_792
    assert total(network("inception_v3", norm=False), 299)["params"] == 27_159_728


def test_rows_of_googlenet_s_table_1():
    """Parameters with biases, as the reference has them beside the printed ones, from the filters of each row."""
    spec, records = plain("googlenet"), {r["id"]: r for r in load()["records"]}
    layers = cost(spec, (224, 224)).layers
    names = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
    cells = [4, 5, 7, 8, 9, 10, 11, 13, 14]
    for name, cell in zip(names, cells, strict=True):
        row = records[f"googlenet.t1.{cell:02}"]["values"]
        module = [layer for layer in layers if layer.path.startswith(f"inception_{name}.")]
        assert sum(layer.params for layer in module) == row["computed_params_with_bias"]
        assert round(sum(layer.macs for layer in module) / 1e6, 2) == row["computed_macs_millions"]
        assert f"{module[-1].after.h}x{module[-1].after.w}" == row["output"].rpartition("x")[0]


# Small sums, by hand.


def weights(node, c_in, size=32):
    layers = cost(node, (size, size), channels=c_in).layers
    return sum(weight_macs(layer)[0] for layer in layers)


def test_one_7x7_against_three_3x3():
    assert weights(conv(32, 7), 16) == 25_088
    three = [weights(conv(16, 3), 16), weights(conv(16, 3), 16), weights(conv(32, 3), 16)]
    assert sum(three) == 9_216


def test_a_5x5_with_and_without_reductions():
    reduced = Cat.of(
        branch1x1=conv(24),
        branch3x3=conv(16) >> conv(24, 3),
        branch5x5=conv(16) >> conv(24, 5),
        branch_pool=Pool("max") >> conv(24),
    )
    assert weights(conv(96, 5), 192) == 460_800
    assert weights(naive(reduced), 192) == 161_280
    assert weights(reduced, 192) == 28_416
    assert cost(reduced, (28, 28), channels=192).out.c == 96


def test_global_pooling_leaves_512_features_of_25_088():
    before = cost(Pool("max"), (7, 7), channels=512)
    assert before.out.activations == 25_088
    assert cost(global_pool(7), (7, 7), channels=512).out.activations == 512
    assert weights(Linear(1000), 512, size=1) * 49 == weights(Linear(1000), 512, size=7)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3", "inception_v4"])
def test_doubling_every_width_costs_about_four_times(name):
    pixels = architecture(name).pixels
    ratio = total(network(name, width=2.0), pixels)["macs"] / total(network(name), pixels)["macs"]
    assert 3.8 < ratio < 4.0


def test_alexnet_and_vgg_are_many_times_googlenet():
    small = total(plain("googlenet"), 224)["params"]
    ratios = [total(plain(name), 224)["params"] / small for name in ("alexnet", "vgg16")]
    assert [round(ratio, 1) for ratio in ratios] == [8.7, 19.8]


def test_segments_go_from_one_convolution_to_one_a_channel():
    by_segments = [weights(Sep(64, segments=count), 64) - 64 * 64 for count in (1, 3, 4, None)]
    thirds = 9 * (22 * 22 + 21 * 21 + 21 * 21)  # 64 channels do not fall into three equal parts
    assert by_segments == [9 * 64 * 64, thirds, 9 * 4 * 16 * 16, 9 * 64]


def test_table_2_costs_the_same_at_151_and_a_little_less_at_79():
    full = cost(plain("inception_v3"), PIXELS)
    at_151 = cost(plain("inception_v3", rewrites={"low_resolution": 151}), (151, 151))
    at_79 = cost(plain("inception_v3", rewrites={"low_resolution": 79}), (79, 79))
    assert at_151.macs == full.macs
    assert f"{at_79.macs / 1e9:.3f}" == "5.362"
    grids = {layer.path: (layer.after.h, layer.after.w) for layer in at_79.layers}
    assert grids["mixed_5b.branch1x1"] == (36, 36)


# Maps and fields.


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_network_ends_in_its_classes(name):
    pixels = architecture(name).pixels
    assert str(cost(network(name, 10), (pixels, pixels)).out) == "1x1x10"


def test_receptive_field_of_three_small_layers():
    seven = cost(Seq.of(a=conv(32, 7)), (32, 32), channels=16)
    three = cost(conv(32, 3) >> conv(32, 3) >> conv(32, 3), (32, 32), channels=16)
    assert seven.out.field == three.out.field == (7, 7)


def test_receptive_field_of_asymmetric_layers():
    assert cost(conv(8, (1, 7)) >> conv(8, (3, 1)), (32, 32)).out.field == (3, 7)


def test_a_kernel_fitted_to_a_small_map_is_listed():
    cut = cost(network("inception_v3", rewrites={"stem_pools": 1, "blocks": 0.4}), (79, 79))
    assert cut.kernel_changes == ["aux.fc: 5x5 becomes 1x1 on a 1x1x128 map"]
    assert cost(network("inception_v3"), PIXELS).kernel_changes == []


def test_a_pool_shrinks_to_a_smaller_map():
    assert cost(network("inception_v3"), (99, 99)).kernel_changes == [
        "aux.pool: 5x5 becomes 4x4 on a 4x4x768 map",
        "aux.fc: 5x5 becomes 1x1 on a 1x1x128 map",
    ]


def test_too_small_an_input_names_the_layer():
    with pytest.raises(ShapeError, match="mixed_7a"):
        cost(network("inception_v3"), (48, 48))


def test_a_residual_must_fit_its_shortcut():
    fits = Seq.of(stem=conv(8), block=Res.of(a=conv(4, 3), b=linear_conv(8)))
    assert cost(fits, (9, 9)).out.c == 8
    with pytest.raises(ShapeError, match="shortcut"):
        cost(Seq.of(stem=conv(8), block=Res.of(a=conv(4, 3))), (9, 9))


def test_branches_must_end_on_the_same_grid():
    with pytest.raises(ShapeError, match="different grids"):
        cost(Cat.of(a=conv(8, 3, 2, "valid"), b=conv(8)), (9, 9))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Pool("maximum"), "Pool with kind = 'maximum': it takes max, avg"),
    (lambda: conv(8, 3, padding="vaild"), "Conv with padding = 'vaild': it takes same, valid, ceil, tensorflow"),
    (lambda: Conv(8, act="relu7"), "it takes relu, relu6, elu, sigmoid"),
])  # fmt: skip
def test_a_misspelt_word_of_a_layer_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
