"""What each structural switch does, and what it refuses."""

import pytest

from inceptionctl.errors import RequestError
from inceptionctl.models.registry import network
from inceptionctl.models.spec import Seq, Tap


def test_the_ladder_s_last_row_is_inception_v3():
    assert network("inception_v2", rewrites={"factorized_7x7": True}, norm=True) == network("inception_v3")


def test_no_switch_is_no_change():
    untouched = {
        "factorized_7x7": False,
        "separable_stem": False,
        "low_resolution": 299,
        "stem_pools": 2,
        "blocks": None,
    }
    assert network("inception_v2", rewrites=untouched) == network("inception_v2")


def test_blocks_keep_the_reductions():
    names = [name for name, _ in network("inception_v2", rewrites={"blocks": (1, 2, 1)})]
    assert names == [
        "stem", "mixed_5b", "mixed_6a", "mixed_6b", "mixed_6c", "aux", "mixed_7a", "mixed_7b",
        "pool", "dropout", "logits",
    ]  # fmt: skip


def test_stem_pools_go_from_the_back():
    def pools(kept):
        stem = network("inception_v3", rewrites={"stem_pools": kept})["stem"]
        assert isinstance(stem, Seq)
        return [name for name, _ in stem if name.startswith("pool")]

    assert [pools(kept) for kept in (2, 1, 0)] == [["pool_1", "pool_2"], ["pool_1"], []]


def test_dropping_the_head_keeps_its_tap():
    assert network("inception_v3", head=False)["aux"] == Tap()


@pytest.mark.parametrize(
    ("name", "rewrites", "reason"),
    [
        ("inception_v3", {"factorized_7x7": True}, "no stem with one 7x7"),
        ("inception_v3", {"separable_stem": True}, "does not open with a 7x7"),
        ("inception_v2", {"blocks": (4, 1, 1)}, "from 1 to"),
        ("inception_v2", {"blocks": (1, 1)}, "one count a grid"),
        ("inception_v2", {"stem_pools": 3}, "two pools"),
        ("inception_v2", {"low_resolution": 100}, "299, 151 and 79"),
    ],
)
def test_what_cannot_be_is_refused_by_name(name, rewrites, reason):
    with pytest.raises(RequestError, match=reason):
        network(name, rewrites=rewrites)


def test_an_unknown_network_offers_the_nearest():
    with pytest.raises(RequestError, match="Did you mean inception_v3"):
        network("inceptoin_v3")
