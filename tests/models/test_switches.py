"""What each structural switch does to parameters and multiply-adds, and what it refuses. Every file of `conf/ablation`
that changes a network's structure is tried here on a network that can take it."""

from __future__ import annotations

from functools import cache

import pytest

from inceptionctl.config.compose import compose, groups
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
from inceptionctl.models.spec.cost import cost
from inceptionctl.models.spec.nodes import Cat, Conv, Dropout, Endpoint, Named, Pool, Res, Sep, Seq, conv
from inceptionctl.models.spec.rewrite import rewritten
from inceptionctl.models.spec.rules import asymmetric, batch_norm, one_3x3, two_3x3
from inceptionctl.models.spec.walk import walk
from inceptionctl.models.zoo.registry import ARCHITECTURES, architecture, network
from inceptionctl.models.zoo.switches import SWITCHES
from inceptionctl.planning.plan import plan

RESIDUAL = [name for name, entry in ARCHITECTURES.items() if entry.has_plain_twin]

# switch of conf/ablation: network that takes it, change in parameters, change in multiply-adds (both at full size with
# auxiliary heads). By hand where a line says how; each is a claim of a paper, whose sign and size a reader can check.
EFFECTS = {
    "factorized_7x7": ("inception_v2", 47_936, 558_160_288),  # 23,834,568 - 23,786,632; 5.71 - 5.16
    "separable_stem": ("googlenet", -6_696, -83_994_624),  # 9,408 weights become 2,712 on 112x112
    "plain_stem": ("bn_inception", 6_696, 83_994_624),  # and back
    "bn_auxiliary": ("inception_v2", 1_536, 0),  # a scale and a shift for 768 filters
    "plain_auxiliary": ("inception_v3", -1_536, 0),
    "shift_batch_norm": ("inception_v4", None, 0),  # a scale less for each of its filters, see below
    "no_lrn": ("googlenet", 0, 0),
    "lrn": ("bn_googlenet", 0, 0),
    "non_residual": ("xception", -977_072, -231_544_832),  # the four 1x1 shortcuts and their norms: computed_costs
    "scaled_residual": ("inception_resnet_v2", 0, 0),
    "unscaled_residual": ("inception_resnet_v2", 0, 0),
    "linear_factors": ("inception_v3", 0, 0),
    "pointwise_first": ("xception", None, None),
    "relu_between": ("xception", 0, 0),
    "elu_between": ("xception", 0, 0),
    "sigmoid": ("bn_inception", 0, 0),
    "padding_counted": ("inception_v4", 0, 0),
    "padding_left_out": ("inception_v3", 0, 0),
    "no_dropout": ("inception_v3", 0, 0),
    "init_he": ("googlenet", 0, 0),
    "init_truncated_normal": ("inception_v3", 0, 0),
    "init_xavier": ("inception_v3", 0, 0),
}
# The rest by what the paper claims of it: (network, predicate on the ratios of parameters and multiply-adds).
CLAIMS = {
    "no_auxiliary": ("inception_v3", lambda params, macs: params < 0.9 and macs > 0.99),
    "upper_auxiliary": ("googlenet", lambda params, macs: 0.7 < params < 0.8),
    "lower_auxiliary": ("googlenet", lambda params, macs: 0.7 < params < 0.8),
    "early_auxiliary": ("inception_v3", lambda params, macs: params == 1 and macs == 1),  # 768 channels on 17x17 too
    "bn_inception_auxiliary": ("bn_inception", lambda params, macs: 1.15 < params < 1.2 and macs < 1.01),
    "naive_modules": ("googlenet", lambda params, macs: macs > 5),  # reductions keep the cost of a module down
    "two_3x3": ("googlenet", lambda params, macs: 1.02 < params < 1.04),  # these layers widen; see equal widths below
    "one_3x3": ("googlenet", lambda params, macs: params < 1 and macs < 0.96),
    "asymmetric": ("googlenet", lambda params, macs: params < 0.99 and macs < 0.96),
    "pool_first": ("inception_v3", lambda params, macs: params == 1 and macs < 1),
    "convolve_first": ("inception_v3", lambda params, macs: params == 1 and macs > 1.2),
    "batch_norm": ("googlenet", lambda params, macs: 1 < params < 1.001 and macs == 1),
    "no_batch_norm": ("inception_v3", lambda params, macs: 0.999 < params < 1 and macs == 1),
    "fully_connected": ("googlenet", lambda params, macs: params > 4 and macs < 1.05),
    "one_segment": ("xception", lambda params, macs: params > 5 and macs > 5),
    "three_segments": ("xception", lambda params, macs: params > 2.5),
    "four_segments": ("xception", lambda params, macs: params > 2),
    "fc_layers": ("xception", lambda params, macs: params > 2 and macs < 1.01),
    "low_resolution_151": ("inception_v3", lambda params, macs: params == 1 and 0.99 < macs < 1.01),
    "low_resolution_79": ("inception_v3", lambda params, macs: params == 1 and 0.9 < macs < 1),
    "double_width": ("inception_v3", lambda params, macs: 3.8 < params < 4 and 3.8 < macs < 4),
}
RECIPES = {"rmsprop", "label_smoothing"}  # change no network


@cache
def sized(name, *overrides):
    """The cost at full size, for ten classes, on the command line's own way from settings to a network."""
    whole = ["arch.rewrites.stem_pools=null", "arch.rewrites.blocks=null"]
    wide = ["arch.width=1.0"]
    native = [] if any("low_resolution" in word for word in overrides) else [f"arch.pixels={architecture(name).pixels}"]
    return plan(parse(compose("train", [f"arch={name}", *whole, *wide, *native, *overrides]))).cost


def test_every_switch_file_is_covered():
    assert set(groups("train")["ablation"]) == set(EFFECTS) | set(CLAIMS) | RECIPES


@pytest.mark.parametrize("switch", EFFECTS)
def test_what_a_switch_adds(switch):
    name, params, macs = EFFECTS[switch]
    before, after = sized(name), sized(name, f"ablation=[{switch}]")
    if params is not None:
        assert after.params - before.params == params
    if macs is not None:
        assert after.macs - before.macs == macs


@pytest.mark.parametrize("switch", CLAIMS)
def test_the_papers_claims_of_a_switch(switch):
    name, claim = CLAIMS[switch]
    before, after = sized(name), sized(name, f"ablation=[{switch}]")
    found = after.params / before.params, after.macs / before.macs
    assert claim(*found), found


# Savings that Rethinking states for layers of equal width (sections 3.1 and 3.2).


@pytest.mark.parametrize(
    ("before", "rule", "saved"),
    [(conv(64, 5), two_3x3, 0.28), (conv(64, 3), asymmetric, 0.33), (conv(64, 5), one_3x3, 1 - 9 / 25)],
    ids=["5x5 to two 3x3", "3x3 to 1x3 and 3x1", "5x5 to 3x3"],
)
def test_savings_at_equal_width(before, rule, saved):
    bare = rewritten(Seq.of(module=Cat.of(branch=before)), batch_norm("shift"))
    found = 1 - macs(rewritten(bare, rule)) / macs(bare)
    assert found == pytest.approx(saved, abs=0.004)


def macs(spec):
    return cost(spec, (17, 17), channels=64).macs


def branch(spec, stage, name):
    return dict(spec[stage])[name]


def kernels(node):
    return [step.kernel for _, step in node if isinstance(step, Conv)]


def test_a_module_s_5x5_becomes_two_3x3():
    spec = network("googlenet", rewrites={"five_by_five": "two_3x3"})
    assert kernels(branch(spec, "inception_4b", "branch5x5")) == [(1, 1), (3, 3), (3, 3)]
    assert (
        network("bn_googlenet", rewrites={"five_by_five": "one_3x3"})["inception_3a"]
        == (network("googlenet_bn")["inception_3a"])
    )


def test_square_layers_become_a_row_and_a_column():
    spec = network("googlenet", rewrites={"asymmetric": True})
    assert kernels(branch(spec, "inception_4b", "branch5x5")) == [(1, 1), (1, 5), (5, 1)]
    assert spec["stem"] == network("googlenet")["stem"]


def test_linear_layers_are_the_first_of_each_pair():
    spec = network("inception_v3", rewrites={"linear_factors": True})
    acts = [step.act for _, step in branch(spec, "mixed_6c", "branch7x7dbl")]
    assert acts == ["relu", None, "relu", None, "relu"]
    assert [step.act for _, step in branch(spec, "mixed_5b", "branch3x3dbl")] == ["relu", None, "relu"]
    assert spec["stem"] == network("inception_v3")["stem"]


def test_a_naive_module_keeps_its_large_layers():
    module = network("googlenet", rewrites={"naive_modules": True})["inception_3a"]
    assert dict(module) == {
        "branch1x1": Conv(64, (1, 1), norm=None, bias=True),
        "branch3x3": Conv(128, (3, 3), norm=None, bias=True),
        "branch5x5": Conv(32, (5, 5), norm=None, bias=True),
        "branch_pool": Pool("max"),
    }


def test_the_grid_shrinks_before_or_behind_the_module():
    def steps(how):
        return [name for name, _ in network("inception_v3", rewrites={"grid_reduction": how})["mixed_6a"]]

    assert steps("pool_first") == ["pool", "module"]
    assert steps("convolve_first") == ["module", "pool"]


@pytest.mark.parametrize("name", ["inception_v3", "inception_v4", "inception_resnet_v2", "bn_inception"])
@pytest.mark.parametrize("how", ["pool_first", "convolve_first"])
def test_the_order_of_grid_reduction_keeps_the_output(name, how):
    hw = (architecture(name).pixels,) * 2
    before, after = cost(network(name), hw), cost(network(name, rewrites={"grid_reduction": how}), hw)
    assert before.params == after.params
    last = [next(layer for layer in c.layers if layer.path == "pool").before for c in (before, after)]
    assert str(last[0]) == str(last[1])


def test_batch_norm_turns_googlenet_into_bn_googlenet_and_back():
    normed = network("googlenet", rewrites={"batch_norm": "full", "lrn": "dropped"})
    assert normed == network("bn_googlenet")
    assert network("bn_googlenet", rewrites={"batch_norm": "none", "lrn": "added"}) == network("googlenet")


@pytest.mark.parametrize("name", RESIDUAL)
def test_a_plain_twin_is_the_network_without_shortcuts(name):
    twin = network(f"{name}_plain")
    assert network(name, rewrites={"non_residual": True}) == twin
    assert not any(isinstance(node, Res) for _, node in twin)


def test_a_block_without_its_shortcut_keeps_its_names_and_its_relu():
    block = network("inception_resnet_v2", rewrites={"non_residual": True})["block_a1"]
    assert [name for name, _ in block] == ["branches", "linear", "relu"]
    last = network("inception_resnet_v2", rewrites={"non_residual": True})["block_c_last"]
    assert [name for name, _ in last] == ["branches", "linear"]


@pytest.mark.parametrize("factor", [0.1, 0.25, 0.35, 1.3])
def test_residual_blocks_fit_their_input_at_every_width(factor):
    for name in RESIDUAL:
        cost(network(name, width=factor), (299, 299))  # raises ShapeError where a sum does not fit


def test_the_width_of_the_classifier_is_the_classes():
    assert cost(network("nin", 10, width=0.1), (224, 224)).out.c == 10


# Side heads.


def heads(spec):
    return [name for name, node in spec if isinstance(node, Endpoint) and node.head]


def test_auxiliary_heads_at_other_stages():
    names = [name for name, _ in network("inception_v3", at=["mixed_6a"])]
    assert names[names.index("mixed_6a") + 1] == "aux"
    assert heads(network("googlenet")) == ["aux_4a", "aux_4d"]
    assert heads(network("googlenet", at=["inception_4d"])) == ["aux"]
    assert heads(network("inception_resnet_v1", at=["block_b3", "block_b10"])) == ["aux_block_b3", "aux_block_b10"]
    assert heads(network("googlenet", at=[])) == []


def test_a_dropped_head_keeps_its_endpoint():
    assert network("inception_v3", head=False)["aux"] == Endpoint()


def test_the_table_s_last_row_is_inception_v3():
    assert network("inception_v2", rewrites={"factorized_7x7": True}, norm=True) == network("inception_v3")


# Sizes.


def test_no_switch_is_no_change():
    untouched = dict.fromkeys(SWITCHES) | {"blocks": None}
    for name in ("inception_v2", "googlenet", "xception"):
        assert network(name, rewrites=untouched) == network(name)


@pytest.mark.parametrize("asked", [(1, 2, 1), 0.4])
def test_blocks_keep_the_reductions(asked):
    names = [name for name, _ in network("inception_v2", rewrites={"blocks": asked})]
    assert names == [
        "stem", "mixed_5b", "mixed_6a", "mixed_6b", "mixed_6c", "aux", "mixed_7a", "mixed_7b",
        "pool", "dropout", "logits",
    ]  # fmt: skip


def test_the_last_stem_pools_go_first():
    def pools(kept):
        stem = network("inception_v3", rewrites={"stem_pools": kept})["stem"]
        assert isinstance(stem, Named)
        return [name for name, _ in stem if name.startswith("pool")]

    assert [pools(kept) for kept in (2, 1, 0)] == [["pool_1", "pool_2"], ["pool_1"], []]


@pytest.mark.parametrize("name", ["inception_v4", "inception_resnet_v1", "inception_v2_table1"])
def test_a_convolution_that_halves_the_grid_loses_its_stride(name):
    def grid(kept):
        spec = network(name, rewrites={"stem_pools": kept})
        return cost(Seq.of(stem=spec["stem"]), (299, 299)).out.h

    assert grid(1) in (2 * grid(2), 2 * grid(2) + 1)


# Refusals.


@pytest.mark.parametrize(
    ("name", "rewrites", "reason"),
    [
        ("inception_v3", {"factorized_7x7": True}, "= true does not fit inception_v3: it has no stem with one"),
        ("vgg16", {"factorized_7x7": True}, "it has no stem"),
        ("vgg16", {"lrn": "added"}, "it has no stem"),
        ("inception_v3", {"separable_stem": True}, "its first layer is not a plain 7x7"),
        ("googlenet", {"plain_stem": True}, "its first layer is not separable"),
        ("inception_v4", {"five_by_five": "two_3x3"}, "no 5x5"),
        ("xception", {"naive_modules": True}, "no modules with 1x1"),
        ("vgg16", {"asymmetric": True}, "no square layers in its modules"),
        ("googlenet", {"linear_factors": True}, "no factorised layers"),
        ("googlenet", {"grid_reduction": "pool_first"}, "pools between modules"),
        ("inception_v3", {"lrn": "added"}, "GoogLeNet's"),
        ("inception_v3", {"lrn": "dropped"}, "no local response"),
        ("bn_googlenet", {"lrn": "dropped"}, "it has no local response"),
        ("googlenet", {"lrn": "added"}, "it has local response normalisation already"),
        ("vgg16", {"batch_norm": "none"}, "it has no batch norm"),
        ("resnet50", {"residual_scale": 1.0}, "its residuals have the factor 1 already"),
        ("nin", {"blocks": [1, 2]}, "it has no repeated modules"),
        ("inception_v3", {"batch_norm": "full"}, "like that already"),
        ("inception_v4", {"residual_scale": 0.1}, "no residual blocks"),
        ("googlenet", {"non_residual": True}, "no residual blocks"),
        ("inception_v3", {"segments": 3}, "no separable layers"),
        ("bn_inception", {"between": "relu"}, "no separable layers"),
        ("mobilenet_v1", {"pointwise_first": True}, "no separable layers"),
        ("vgg16", {"fully_connected": True}, "global average pooling"),
        ("nin", {"fully_connected": True}, "global average pooling"),
        ("googlenet", {"fc_layers": True}, "Xception's"),
        ("inception_v4", {"count_padding": "left_out"}, "do otherwise"),
        ("vgg16", {"low_resolution": 151}, "it has no stem"),
        ("vgg16", {"activation": "sigmoid"}, "has no other form"),
        ("inception_resnet_v1", {"activation": "sigmoid"}, "has no other form"),
        ("mobilenet_v1", {"activation": "sigmoid"}, "it has no ReLU"),
        ("inception_v2", {"blocks": (4, 1, 1)}, "from 1 to"),
        ("inception_v2", {"blocks": (1, 1)}, "one count per grid"),
    ],
)  # fmt: skip
def test_a_switch_that_does_not_fit_is_refused(name, rewrites, reason):
    (switch,) = rewrites
    with pytest.raises(RequestError, match=reason) as refusal:
        network(name, rewrites=rewrites)
    assert str(refusal.value).startswith(f"arch.rewrites.{switch} = ")


def test_all_switches_of_xception_together():
    every = {"segments": 3, "between": "elu", "pointwise_first": True, "fc_layers": True, "batch_norm": "shift"}
    names = [name for name, _ in network("xception", rewrites=every)]
    assert names[-4:] == ["fc_1", "fc_2", "dropout", "logits"]


def test_an_unknown_network_offers_the_nearest():
    with pytest.raises(RequestError, match="Did you mean inception_v3"):
        network("inceptoin_v3")


def test_a_head_at_an_unknown_stage_lists_the_stages():
    with pytest.raises(RequestError, match=r"(?s)unknown stage of inception_v3 'mixed_6f'.*available: .*mixed_6e"):
        network("inception_v3", at=["mixed_6f"])


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (["logits"], "logits stands behind the last map"),
        (["pool"], "pool stands behind the last map"),
        (["dropout"], "dropout stands behind the last map"),
        (["input"], "unknown stage of inception_v3 'input'"),
        (["mixed_6d", "mixed_6d"], "a stage is named twice"),
        (["mixed_6e", "mixed_6e"], "a stage is named twice"),
        (["mixed_6d", "logits"], "logits stands behind"),
    ],
    ids=str,
)
def test_a_head_stands_behind_a_map_and_alone(at, reason):
    with pytest.raises(RequestError, match=reason) as refusal:
        network("inception_v3", at=at)
    assert f"arch.aux.at=[{','.join(at)}]" in str(refusal.value)
    assert "logits" not in str(refusal.value).partition("available:")[2]


def test_every_stage_before_the_last_map_can_have_a_head():
    for name, entry in ARCHITECTURES.items():
        for stage, node in network(name, head=False) if entry.aux_head else ():
            if stage == "pool":
                break
            if not isinstance(node, Endpoint):
                pixels = entry.pixels
                cost(network(name, at=[stage]), (pixels, pixels))


def filters(spec):
    return [node.filters for _, node in walk(spec) if isinstance(node, Conv | Sep)]


@pytest.mark.parametrize("width", [0.25, 1.0])
@pytest.mark.parametrize("name", ["inception_v2", "inception_resnet_v2_paper", "xception", "vgg16"])
def test_double_width_doubles_what_is_there(name, width):
    before, after = (network(name, width=width, rewrites={"double_width": both}) for both in (False, True))
    assert filters(after) == [2 * one for one in filters(before)]


def test_a_head_for_a_network_that_has_none_is_refused():
    with pytest.raises(RequestError, match="neither paper nor release of xception has an auxiliary head"):
        network("xception", at=["exit_1"])


def test_contradictions_are_refused():
    with pytest.raises(RequestError, match=r"aux.norm = true and arch.rewrites.batch_norm = none"):
        network("inception_v3", norm=True, rewrites={"batch_norm": "none"})
    with pytest.raises(RequestError, match=r"arch.rewrites.residual_scale = 0.1 does not fit.*: it has no residual"):
        network("xception", rewrites={"residual_scale": 0.1, "non_residual": True})
    with pytest.raises(RequestError, match=r"arch.dropout = 0.5: resnet50 has no dropout"):
        network("resnet50", dropout=0.5)


def test_dropout_changes_before_the_classifier_alone():
    spec = network("googlenet", dropout=0.25)
    assert spec["dropout"] == Dropout(0.25)
    assert spec["aux_4a"] == network("googlenet")["aux_4a"]
