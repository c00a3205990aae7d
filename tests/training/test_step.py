"""Divergence and the clock."""

from __future__ import annotations

import pytest
import torch

from inceptionctl.errors import RequestError
from inceptionctl.training.clock import Clock
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.training.meters import Diverged, StepMeter
from inceptionctl.training.step import StepOutput


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_divergence_stops_the_run_with_advice(bad):
    meter = StepMeter(DistributedContext(), loss_scaled=False)
    for loss in (torch.tensor(1.0), torch.tensor(bad), 1.0):
        meter.add(StepOutput(loss, 1.0))
    with pytest.raises(Diverged, match=r"diverged at step 12.*(?s:.*)lower schedule\.lr"):
        meter.compute(13)


def test_the_clock_counts_whole_batches():
    clock = Clock.over(num_images=1437, batch_size=32, epochs=8)
    assert (clock.steps_per_epoch, clock.steps) == (44, 352)
    clock.step = 44
    assert (clock.epoch, clock.ends_epoch, clock.every(10), clock.done) == (1.0, True, False, False)
    clock.step = 352
    assert (clock.every(10), clock.done) == (True, True)


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(RequestError, match=r"train.batch_size = 64 is more than the 50"):
        Clock.over(50, 64, 1)
