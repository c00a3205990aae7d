"""How a batch is cut, and what is refused with which remedy."""

from __future__ import annotations

import pytest

from inceptionctl.errors import RequestError
from inceptionctl.training.partition import Layout


@pytest.mark.parametrize(
    ("asked", "share", "span", "plain"),
    [
        ((32, 1, 1, None), 32, 1, True),
        ((32, 1, 1, 32), 32, 1, True),
        ((32, 2, 1, None), 16, 2, False),  # SyncBN
        ((32, 2, 1, 16), 16, 1, False),
        ((1600, 1, 1, 32), 1600, 1, False),  # ghost batches
        ((1600, 10, 5, 32), 32, 1, False),
        ((64, 8, 1, 32), 8, 4, False),
    ],
)
def test_a_batch_is_shared_by_ranks_and_parts(asked, share, span, plain):
    layout = Layout.cut(*asked)
    assert (layout.share, layout.span, layout.plain) == (share, span, plain)
    assert layout.share * layout.accumulate * layout.world == layout.batch


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ((32, 3, 1, None), r"cannot be cut into 3 ranks x 1 accumulated\n.*launch.nproc that do: 1, 2"),
        ((32, 1, 1, 5), r"train.bn_batch_size = 5 does not divide train.batch_size = 32"),
        (
            (32, 1, 2, None),
            r"train.bn_batch_size = null \(all 32 pictures together\).*\n.*choose train.bn_batch_size=16",
        ),
        ((32, 2, 2, 16), r"train.bn_batch_size = 16 does not fit 2 ranks x 2 accumulated x 8"),
        ((48, 6, 1, 24), None),
        ((48, 6, 1, 16), None),
        ((96, 6, 1, 64), r"train.bn_batch_size = 64 does not divide"),
    ],
)
def test_what_does_not_come_out_even_is_refused(asked, message):
    if message is None:
        assert Layout.cut(*asked).share
        return
    with pytest.raises(RequestError, match=message):
        Layout.cut(*asked)


def test_without_batch_norm_any_cut_will_do():
    assert Layout.cut(32, 1, 2, None, normalised=False).group == 16
