"""The counts of `cost` against the project's reference figures, to the last digit."""

import pytest

from inceptionctl.models.cost import ShapeError, cost
from inceptionctl.models.registry import network
from inceptionctl.models.spec import Cat, Res, Seq, conv, linear_conv
from inceptionctl.papers import computed

PIXELS = (299, 299)
READING = "Inception-v2 (Rethinking) reading"


def counted(*args, **kwargs):
    total = cost(network(*args, **kwargs), PIXELS)
    return {"params": total.params, "macs": total.macs}


def test_inception_v2_with_a_plain_stem():
    assert counted("inception_v2", head=False) == computed(READING, "same with a plain 7x7/2")


def test_inception_v2_with_the_separable_stem():
    found = counted("inception_v2", head=False, rewrites={"separable_stem": True})
    assert found == computed(READING, "TF-slim body; GoogLeNet stem = separable 7x7/2")


def test_inception_v3_without_and_with_each_side_head():
    assert counted("inception_v3", head=False) == computed("Inception-v3", "TF-slim layout, BN scale+shift")
    assert counted("inception_v3") == computed("Inception-v3", "with aux head (= torchvision)")
    assert counted("inception_v3", norm=False) == computed("Inception-v3", "with aux head whose 5x5")


def test_the_issue_s_figures_are_the_reference_s():
    assert counted("inception_v2", head=False) == {"params": 23_786_632, "macs": 5_155_055_808}
    assert counted("inception_v3", norm=False)["params"] == 27_159_728


def test_table_2_costs_the_same_at_151_and_a_little_less_at_79():
    full = cost(network("inception_v3", head=False), PIXELS)
    at_151 = cost(network("inception_v3", head=False, rewrites={"low_resolution": 151}), (151, 151))
    at_79 = cost(network("inception_v3", head=False, rewrites={"low_resolution": 79}), (79, 79))
    assert at_151.macs == full.macs
    assert f"{at_79.macs / 1e9:.3f}" == "5.362"
    grids = {layer.path: (layer.after.h, layer.after.w) for layer in at_79.layers}
    assert grids["mixed_5b.branch1x1"] == (36, 36)


def test_doubling_every_width_costs_about_four_times():
    ratio = counted("inception_v3", factor=2.0)["macs"] / counted("inception_v3")["macs"]
    assert 3.9 < ratio < 4.0


def test_three_small_layers_see_as_much_as_one_large_one():
    seven = cost(Seq.of(a=conv(32, 7)), (32, 32), channels=16)
    three = cost(conv(32, 3) >> conv(32, 3) >> conv(32, 3), (32, 32), channels=16)
    assert seven.out.field == three.out.field == (7, 7)


def test_asymmetric_layers_see_along_their_axis():
    assert cost(conv(8, (1, 7)) >> conv(8, (3, 1)), (32, 32)).out.field == (3, 7)


def test_a_small_map_names_what_it_cuts():
    total = cost(network("inception_v3", rewrites={"stem_pools": 1, "blocks": (1, 2, 1)}), (79, 79))
    assert total.cuts == ["aux.fc: 5x5 becomes 1x1 on a 1x1x128 map"]
    assert cost(network("inception_v3"), PIXELS).cuts == []


def test_a_map_smaller_than_the_pool_cuts_it():
    assert cost(network("inception_v3"), (99, 99)).cuts == [
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


def test_branches_must_meet():
    with pytest.raises(ShapeError, match="different grids"):
        cost(Cat.of(a=conv(8, 3, 2, "valid"), b=conv(8)), (9, 9))
