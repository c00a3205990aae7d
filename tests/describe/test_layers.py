"""The list of networks, one as a layer table, and both as data."""

from __future__ import annotations

import json

import pytest

from inceptionctl.describe import as_json, family, layers, notation
from inceptionctl.describe.stages import expand, merge_repeats
from inceptionctl.errors import RequestError
from inceptionctl.models.spec.cost import cost
from inceptionctl.models.spec.nodes import (
    LRN,
    Act,
    Cat,
    Conv,
    Dropout,
    Endpoint,
    Linear,
    Pool,
    Res,
    Sep,
    Seq,
    conv,
    global_pool,
    numbered,
)  # fmt: skip
from inceptionctl.models.zoo.registry import ARCHITECTURES, architecture, network
from inceptionctl.papers import records as papers


def row(lines, name):
    return next(line for line in lines if line.split()[:1] == [name])


def test_the_table_has_the_papers_rows():
    table = layers.table("inception_v3", 299)
    assert row(table, "mixed_6e").split() == ["mixed_6e", "17x17x768", "927", "2,141,952", "617.9", "M"]
    assert row(table, "stem.conv_1a").split()[1:5] == ["3x3/2", "V", "32", "149x149x32"]
    assert row(table, "total").split()[1] == "27,161,264"
    assert row(table, "without").split()[3] == "23,834,568"
    below = table[table.index(row(table, "mixed_6e")) + 1 :][:4]
    assert below[1].strip() == "1x1 192, 1x7 192, 7x1 192"
    assert below[3].strip() == "avg pool 3x3, 1x1 192"


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_rows_of_every_table_add_up_to_its_total(name):
    rows = merge_repeats(expand(network(name), architecture(name).pixels))
    total = cost(network(name), (architecture(name).pixels,) * 2)
    assert sum(stage.params for stage in rows) == total.params
    assert sum(stage.macs for stage in rows) == total.macs
    assert len(layers.table(name, architecture(name).pixels)) > len(rows)


def test_identical_stages_are_one_row_that_counts_them_all():
    (line,) = [line for line in layers.table("inception_resnet_v2", 299) if line.startswith("block_a")]
    block = cost(network("inception_resnet_v2")["block_a1"], (35, 35), 320)
    assert line.startswith("block_a1 .. block_a10  10 x ")
    assert f" {10 * block.params:,} " in line


def test_the_same_layers_on_another_width_stay_apart():
    """They cost more: conv_1_1 of VGG reads three channels, conv_1_2 reads 64."""
    names = [stage.span for stage in merge_repeats(expand(network("vgg16"), 224))]
    assert names[:3] == ["conv_1_1", "conv_1_2", "pool_1"]
    assert "conv_5_1 .. conv_5_3" in names


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (conv(96, 3, 2, "valid"), "3x3/2 V 96"),
        (Conv(64, (11, 11), 4, 2, norm=None, bias=True), "11x11/4 P2 64 (no batch norm)"),
        (Conv(8, act=None), "1x1 8 (no activation)"),
        (Sep(64, (7, 7), 2, multiplier=8), "7x7/2 separable 64 (8 filters a channel)"),
        (Sep(728, segments=3, between="elu"), "3x3 separable 728 (in 3 segments, ELU between)"),
        (Sep(728, pointwise_first=True), "3x3 separable 728 (1x1 first)"),
        (Sep(8, between="relu6", norm_between="full"), "3x3 separable 8 (BN + ReLU6 between)"),
        (Pool("max", stride=2, padding="ceil"), "max pool 3x3/2 C"),
        (Pool("avg", grid=7), "avg pool to 7x7"),
        (global_pool(8), "global avg pool"),
        (Linear(4096, relu=True), "linear 4096, ReLU"),
        (LRN(), "LRN over 5 channels"),
        (Act("elu"), "ELU"),
        (Dropout(0.2), "dropout 0.2"),
        (conv(8) >> Cat.of(a=conv(4, (1, 3)), b=conv(4, (3, 1))), "1x1 8, {1x3 4 | 3x1 4}"),
    ],
)  # fmt: skip
def test_the_notation_of_every_layer(node, text):
    assert notation.inline(node) == text


def test_the_notation_of_a_residual_block():
    block = Res((("branches", Cat.of(a=conv(8), b=conv(8, 3))), ("linear", conv(16))), 0.17, shortcut=conv(16))
    assert notation.lines(block) == [
        "1x1 8", "3x3 8", "then 1x1 16", "shortcut: 1x1 16", "sum: shortcut + 0.17 x residual, ReLU",
    ]  # fmt: skip


def test_notes_compare_paper_and_count():
    notes = "\n".join(layers.notes("bn_inception", 224))
    assert "13.6 M parameters; counted 11,188,288 (-17.7 %) [bn.base]" in notes
    assert architecture("bn_inception").differs in notes
    assert "top-1 error 25.2 %, top-5 error 7.8 %" in notes


@pytest.mark.parametrize(
    ("record", "params", "macs"),
    [
        ("bn.base", 13_600_000, None),
        ("rethinking.t3.03", None, 3_800_000_000),
        ("xception.t3.xception", 22_855_952, None),
        ("mobilenet.t8.1.0_mobilenet-224", 4_200_000, 569_000_000),
        ("resnet.t1.flops.resnet-101", None, 7_600_000_000),
        ("inceptionv4.single.inception-v4", None, None),
    ],
)
def test_the_papers_sizes_come_from_records_and_facts(record, params, macs):
    size = papers.paper_size(record)
    assert (size.params, size.macs) == (params, macs)


def test_an_unknown_record_is_refused():
    with pytest.raises(RequestError, match=r"unknown record of papers.yaml 'bn.bas'"):
        papers.paper_size("bn.bas")


def test_every_printed_size_is_near_the_count_or_explained():
    for name, entry in ARCHITECTURES.items():
        printed, (plain, _) = family.paper_size(name), family.counted(name)
        for figure, count in ((printed and printed.params, plain.params), (printed and printed.macs, plain.macs)):
            assert not figure or abs(count - figure) / figure < 0.02 or entry.differs, name


def test_patterns_select_networks():
    assert family.matching(None) == list(ARCHITECTURES)
    assert family.matching("resnet50") == ["resnet50"]
    assert family.matching("inception_v*") == ["inception_v2", "inception_v2_table1", "inception_v3", "inception_v4"]
    assert {"resnet50", "inception_resnet_v1"} <= set(family.matching("resnet"))
    with pytest.raises(RequestError, match=r"unknown arch 'incepton_v3'.*Did you mean inception_v3"):
        family.matching("incepton_v3")


def test_a_network_without_auxiliary_heads_shows_none():
    header, units, line = family.table(["xception"])
    assert line.split()[5] == "-"
    assert units.split()[:3] == ["network", "input", "parameters"]
    assert "22,855,952" in header + line


def test_the_json_of_a_network_is_its_cost_by_layer():
    found = json.loads(json.dumps(as_json.layers("inception_v3", 299)))
    total = cost(network("inception_v3"), (299, 299))
    assert found["totals"] == {"params": total.params, "macs": total.macs, "activations": total.activations}
    assert found["without_heads"]["macs"] == 5_713_216_096
    assert [entry["path"] for entry in found["layers"]] == [layer.path for layer in total.layers]
    assert sum(entry["macs"] for entry in found["layers"]) == total.macs
    assert found["layers"][0] == {
        "path": "stem.conv_1a", "kind": "conv", "kernel": [3, 3], "stride": 2, "output": {"h": 149, "w": 149, "c": 32},
        "field": [3, 3], "params": 928, "macs": 19_181_664,
    }  # fmt: skip
    assert found["paper"]["macs"] == 4.8e9
    assert found["paper"]["top1_error"] == 21.2


def test_the_json_of_the_family_has_every_network():
    found = as_json.family(family.matching(None))["networks"]
    assert [entry["network"] for entry in found] == list(ARCHITECTURES)
    assert all(entry["without_heads"]["params"] > 0 for entry in found)


def test_endpoints_without_a_head_are_no_rows():
    spec = Seq.of(**numbered("conv_", [conv(8), conv(8), conv(8)]), endpoint=Endpoint(), pool=global_pool(4))
    assert [stage.span for stage in merge_repeats(expand(spec, 4))] == ["conv_1", "conv_2 .. conv_3", "pool"]
