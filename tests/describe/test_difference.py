"""What changes between two networks."""

from __future__ import annotations

from dataclasses import replace

from inceptionctl.describe.difference import as_json, as_text, changes
from inceptionctl.describe.stages import expand
from inceptionctl.models.spec.cost import cost
from inceptionctl.models.spec.nodes import Cat, Pool, Seq, conv, global_pool, numbered
from inceptionctl.models.spec.rewrite import rewrite
from inceptionctl.models.zoo.registry import ARCHITECTURES, network


def compared(a, b, pixels):
    return {change.span: change for change in changes(expand(a, pixels), expand(b, pixels)) if change.kind != "same"}


def test_inception_v3_differs_from_v2_in_stem_and_auxiliary_head():
    found = as_json("inception_v2", "inception_v3", None)
    assert {change["names"][0].split(".")[0] for change in found["changes"]} == {"stem", "aux"}
    a, b = (cost(network(name), (299, 299)) for name in ("inception_v2", "inception_v3"))
    assert (found["params"], found["macs"]) == (b.params - a.params, b.macs - a.macs)
    aux = found["changes"][-1]
    assert aux["params"] == 2 * 768
    assert aux["details"] == ("fc: 5x5 V 768 (no batch norm) -> 5x5 V 768",)
    assert "mixed_6e" in found["same"]


def test_marks_of_changed_added_and_removed_stages():
    text = as_text("inception_v2", "inception_v3", None)
    assert next(line for line in text if "stem.conv_1a" in line).startswith("~ ")
    assert next(line for line in text if "stem.conv_2a" in line).startswith("+ ")
    assert next(line for line in text if "stem.conv_2c" in line).startswith("- ")
    assert "    7x7/2 V 64 -> 3x3/2 V 32" in text
    assert any(line.startswith("the same in both: 16 stages") for line in text)


def test_only_the_changed_branch_is_listed():
    old = Cat.of(branch1x1=conv(8), branch5x5=conv(4) >> conv(8, 5))
    new = replace(old, children=(old.children[0], ("branch5x5", conv(4) >> conv(8, 3) >> conv(8, 3))))
    found = compared(Seq.of(a=old, pool=global_pool(8)), Seq.of(a=new, pool=global_pool(8)), 8)
    assert found["a"].details == ("branch5x5: 1x1 4, 5x5 8 -> 1x1 4, 3x3 8, 3x3 8",)
    assert found["a"].params == 4 * 8 * 9 + 64 * 9 + 16 - 4 * 8 * 25


def test_stages_that_change_alike_are_one_row():
    found = compared(network("inception_resnet_v2"), network("inception_resnet_v2_paper"), 299)
    assert found["block_a6 .. block_a10"].kind == "only in A"
    assert len(found["block_b11 .. block_b20"].names) == 10
    assert found["block_a1 .. block_a5"].details[0] == "input: 35x35x320 -> 35x35x384"
    assert found["stem.mixed_4a"].kind == "only in B"


def test_a_dropped_shortcut_without_parameters_is_a_change():
    found = compared(network("xception"), network("xception_plain"), 299)
    assert found["middle_1 .. middle_8"].details == ("shortcut: the input -> none",)
    assert (found["middle_1 .. middle_8"].params, found["entry_1"].params) == (0, -(64 * 128 + 2 * 128))
    assert found["entry_1"].details == ("shortcut: 1x1/2 128 -> none",)


def test_a_change_of_every_convolution_is_stated_once():
    text = as_text("googlenet", "bn_googlenet", None)
    assert text[-1] == "Convolutions: no batch norm, ReLU -> batch norm, ReLU, unless said."
    assert not any("branch1x1" in line for line in text)
    assert (
        next(line for line in text if "inception_3a" in line).split()[2] == "+368"
    )  # a shift more for each of its 368 filters


def test_settings_outside_the_notation_are_compared():
    old = network("inception_v4")
    new = rewrite(old, lambda node: replace(node, count_padding=True) if isinstance(node, Pool) else node)
    found = compared(old, new, 299)
    assert "inception_a1 .. inception_a4" in found
    assert all("count_padding" in line for change in found.values() for line in change.details)


def test_no_network_differs_from_itself():
    for name in ARCHITECTURES:
        found = as_json(name, name, None)
        assert (found["changes"], found["params"], found["macs"]) == ([], 0, 0)


def test_every_stage_of_both_networks_is_listed():
    a = Seq.of(**numbered("conv_", [conv(8), conv(8)]), only_a=conv(4), pool=global_pool(8))
    b = Seq.of(only_b=conv(2), **numbered("conv_", [conv(8), conv(16)]), pool=global_pool(8))
    names = [name for change in changes(expand(a, 8), expand(b, 8)) for name in change.names]
    assert names == ["only_b", "conv_1", "conv_2", "only_a", "pool"]
