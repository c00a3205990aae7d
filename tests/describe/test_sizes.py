"""Where representations shrink too much at once, and kernels that are larger than their map."""

from __future__ import annotations

import pytest

from inceptionctl.describe import layers
from inceptionctl.describe.sizes import bar, oversized, plot, sizes
from inceptionctl.describe.stages import expand, merge_repeats
from inceptionctl.models.spec.nodes import Cat, Endpoint, Linear, Seq, conv, global_pool, halve
from inceptionctl.models.zoo.registry import architecture, network


def flagged(spec, pixels):
    return [size.stage.names[0] for size in sizes(merge_repeats(expand(spec, pixels))) if size.bottleneck]


def reduction(filters):
    return Cat.of(conv=conv(filters, 3, 2), pool=halve("same"))


def test_a_grid_halved_without_more_channels_is_a_bottleneck():
    """Rethinking, Figure 9: the pool alone on the left, Figure 10's branches beside a pool."""
    spec = Seq.of(conv=conv(16, 3), pool_1=halve("same"), parallel=reduction(16), narrow=conv(4), end=global_pool(8))
    assert flagged(spec, 32) == ["pool_1", "narrow"]


def test_stages_behind_the_final_pooling_and_auxiliary_heads_are_left_out():
    """They have to shrink."""
    head = Endpoint(Seq.of(pool=global_pool(32), logits=Linear(10)))
    assert flagged(Seq.of(conv=conv(16, 3), aux=head, last=conv(8), pool=global_pool(32), logits=Linear(10)), 32) == []


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("inception_v4", []),
        ("xception", []),
        ("inception_v3", ["stem.pool_1", "stem.pool_2"]),
        ("inception_resnet_v2", ["stem.pool_1", "stem.pool_2"]),
        ("googlenet", ["stem.pool_1", "stem.pool_2", "pool_3", "pool_4"]),
        ("vgg16", ["pool_1", "pool_2", "pool_3", "pool_4", "pool_5"]),
    ],
)
def test_bottlenecks_of_the_papers_networks(name, places):
    assert flagged(network(name), architecture(name).pixels) == places


def test_pooling_first_turns_the_reductions_into_bottlenecks():
    pooled = network("inception_v3", rewrites={"grid_reduction": "pool_first"})
    stage = next(stage for stage in expand(pooled, 299) if stage.names == ("mixed_6a",))
    inner = Seq(tuple(stage.node))
    assert flagged(Seq((("conv", conv(288)), *inner)), 35) == ["pool"]


def test_bars_are_logarithmic():
    assert len(bar(8)) - len(bar(4)) == len(bar(1024)) - len(bar(512)) == 4
    assert bar(4, ascii_only=True) == "########"


def test_the_plot_has_a_bar_per_stage_and_marks_bottlenecks():
    rows = merge_repeats(expand(network("vgg16"), 224))
    lines = plot(sizes(rows))
    assert lines[0].startswith("conv_1_1")
    assert lines[2].endswith("< bottleneck: 4.0 times smaller")
    assert "linear" not in "".join(lines)


def test_kernels_larger_than_their_map_are_listed():
    small = layers.size_lines("inception_v3", 79)
    assert "larger than its map: mixed_6b: 1x7, 7x1 on a 3x3 map" in small
    assert any(line.startswith("fitted to its map: aux.pool: 5x5 becomes 3x3") for line in small)
    assert oversized(expand(network("inception_v3"), 299)) == []
