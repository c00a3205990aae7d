"""How a batch is divided, and what is refused with which remedy."""

from __future__ import annotations

import pytest

from inceptionctl.errors import RequestError
from inceptionctl.training.partition import BatchPartition


@pytest.mark.parametrize(
    ("settings", "micro_batch", "ranks_per_group", "ghost"),
    [
        ((32, 1, 1, None), 32, 1, False),
        ((32, 1, 1, 32), 32, 1, False),
        ((32, 2, 1, None), 16, 2, True),  # SyncBN
        ((32, 2, 1, 16), 16, 1, True),
        ((1600, 1, 1, 32), 1600, 1, True),  # ghost batches
        ((1600, 10, 5, 32), 32, 1, True),
        ((64, 8, 1, 32), 8, 4, True),
    ],
)
def test_a_batch_is_divided_into_micro_batches(settings, micro_batch, ranks_per_group, ghost):
    found = BatchPartition.of(*settings)
    assert (found.micro_batch, found.ranks_per_group) == (micro_batch, ranks_per_group)
    assert found.needs_ghost_batch_norm == ghost
    assert found.micro_batch * found.accumulation_steps * found.world_size == found.batch_size
    assert found.local_group * found.ranks_per_group == found.bn_group


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((32, 3, 1, None), r"cannot be divided by 3 ranks x 1 acc.*\n.*use 1 or 2 ranks \(launch.nproc,"),
        ((32, 1, 1, 5), r"train.bn_batch_size = 5 does not divide train.batch_size = 32"),
        (
            (32, 1, 2, None),
            r"train.bn_batch_size = null \(the whole batch\).*\n.*use train.bn_batch_size=16",
        ),
        ((32, 2, 2, 16), r"train.bn_batch_size = 16 does not fit 2 ranks x 2 accumulation steps x 8"),
        ((48, 6, 1, 24), None),
        ((48, 6, 1, 16), None),
        ((96, 6, 1, 64), r"train.bn_batch_size = 64 does not divide"),
    ],
)
def test_a_division_that_leaves_a_rest_is_refused(settings, message):
    if message is None:
        assert BatchPartition.of(*settings).micro_batch
        return
    with pytest.raises(RequestError, match=message):
        BatchPartition.of(*settings)


def test_without_batch_norm_any_division_fits():
    assert BatchPartition.of(32, 1, 2, None, has_batch_norm=False).bn_group == 16
