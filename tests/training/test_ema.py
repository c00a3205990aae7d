"""The exponential moving average: its decay from the settings, its formula, its buffers, what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
from inceptionctl.planning.plan import plan
from inceptionctl.training.ema import make_ema
from inceptionctl.training.ema_decay import averaging_window, ema_decay, exceeds_run

STEPS, EPOCH = 400, 50


def network():
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).double()


def fill(model, value):
    """Sets parameters to `value`, statistics to its negative, and the counter of batches to its integer part."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(value)
        model[1].running_mean.fill_(-value)
        model[1].running_var.fill_(-value)
        model[1].num_batches_tracked.fill_(int(value))


def followed(values, decay, *, warmup, buffers):
    """The average of a network whose parameters take these `values` one after the other."""
    model = network()
    ema = make_ema(model, decay, warmup=warmup, buffers=buffers)
    for value in values:
        fill(model, value)
        ema.update_parameters(model)
    return ema.module


def by_formula(values, decay, *, warmup):
    expected = values[0]
    for t, value in enumerate(values[1:], 1):
        weight = 1 - (min(decay, (1 + t) / (10 + t)) if warmup else decay)
        expected += weight * (value - expected)
    return expected


def test_a_fraction_is_of_the_run():
    assert ema_decay("fraction", 0.05, STEPS, EPOCH) == 1 - 1 / 20
    assert ema_decay("fraction", 0.125, 80_000, 800) == pytest.approx(0.9999)
    assert ema_decay("fraction", 0.0, STEPS, EPOCH) == 0.0


def test_a_decay_is_itself():
    assert ema_decay("decay", 0.9999, STEPS, EPOCH) == 0.9999


@pytest.mark.parametrize("epochs", [0.5, 1, 2.4])
def test_after_one_half_life_the_start_counts_half(epochs):
    decay = ema_decay("half_life", epochs, STEPS, EPOCH)
    values = [1.0] + [0.0] * round(epochs * EPOCH)
    average = followed(values, decay, warmup=False, buffers="averaged")
    assert average[0].weight[0, 0].item() == pytest.approx(0.5)


def test_the_averaging_window_is_the_sum_of_the_weights():
    assert averaging_window(0.9) == pytest.approx(sum(0.9**age for age in range(1000)))
    assert averaging_window(0.0) == 1.0
    assert averaging_window(1.0) == math.inf


@pytest.mark.parametrize("warmup", [True, False])
@pytest.mark.parametrize("decay", [0.0, 0.6, 0.99])
def test_the_average_follows_its_formula_buffers_too(decay, warmup):
    values = [float(t) for t in range(1, 13)]
    average = followed(values, decay, warmup=warmup, buffers="averaged")
    expected = by_formula(values, decay, warmup=warmup)
    assert average[0].weight[0, 0].item() == pytest.approx(expected)
    assert average[1].bias[0].item() == pytest.approx(expected)
    assert average[1].running_mean[0].item() == pytest.approx(-expected)
    assert average[1].num_batches_tracked.item() == 12


@pytest.mark.parametrize("buffers", ["copied", "recomputed"])
def test_buffers_that_are_not_averaged_are_those_of_the_last_step(buffers):
    values = [float(t) for t in range(1, 13)]
    average = followed(values, 0.6, warmup=True, buffers=buffers)
    assert average[0].weight[0, 0].item() == pytest.approx(by_formula(values, 0.6, warmup=True))
    assert average[1].running_mean.tolist() == average[1].running_var.tolist() == [-12.0, -12.0]
    assert average[1].num_batches_tracked.item() == 12


def test_the_averaging_window_is_at_most_the_run():
    """For any number of steps, though 1 / (1 - decay) rounds to either side of it."""
    whole = {steps: ema_decay("fraction", 1.0, steps, EPOCH) for steps in range(1, 3000)}
    assert any(averaging_window(decay) > steps for steps, decay in whole.items())
    assert not any(exceeds_run(decay, steps) for steps, decay in whole.items())
    assert all(exceeds_run(decay, steps - 1) for steps, decay in whole.items() if steps > 1)


def planned(*overrides):
    return plan(parse(compose("train", [f"train.ema.{override}" for override in overrides])))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["unit=decay", "decay=0.9999"],
            r"train.ema.decay = 0.9999 \(decay\).*10,000 steps, and the run has 352\n.*unit=fraction",
        ),
        (["unit=half_life", "decay=50"], r"train.ema.decay = 50 \(half_life\).*3,174 steps.*352"),
        (["unit=half_life", "decay=inf"], r"train.ema.decay = inf is not allowed.*finite"),
        (["decay=1.01"], "train.ema.decay = 1.01 is not allowed.*fraction: a share of the run is at most 1"),
        (["unit=decay", "decay=1"], "train.ema.decay = 1 is not allowed.*decay: a decay per step is less than 1"),
        (["unit=half_life", "decay=0"], "train.ema.decay = 0 is not allowed.*is more than 0"),
        (["decay=-0.1"], "train.ema.decay = -0.1 is not allowed"),
    ],
)
def test_an_impossible_average_is_refused(overrides, message):
    with pytest.raises(RequestError, match=f"(?s){message}") as refused:
        planned(*overrides)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("overrides", [["decay=1"], ["unit=decay", "decay=0.99"], ["unit=half_life", "decay=2"]])
def test_an_average_that_fits_the_run_is_planned(overrides):
    assert planned(*overrides).clock.steps == 352


@pytest.mark.parametrize("buffers", ["averaged", "copied"])
def test_the_update_is_torchs_to_the_bit(buffers):
    """And never asks the device for the count of steps, which only a GPU would show."""
    ours, theirs = network(), network()
    theirs.load_state_dict(ours.state_dict())

    def by_torch(averages, currents, count):
        share = 1 - min(0.9, (1 + int(count)) / (10 + int(count)))
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, currents, share)
        else:
            torch._foreach_copy_(averages, currents)

    mine = make_ema(ours, 0.9, warmup=True, buffers=buffers)
    reference = AveragedModel(theirs, multi_avg_fn=by_torch, use_buffers=buffers == "averaged")
    for value in torch.rand(9, generator=torch.Generator().manual_seed(1)).tolist():
        for model, average in ((ours, mine), (theirs, reference)):
            fill(model, 10 * value)
            average.update_parameters(model)
    assert int(mine.n_averaged) == int(reference.n_averaged) == 9
    one, two = mine.module.state_dict(), reference.module.state_dict()
    assert [name for name in one if not torch.equal(one[name], two[name])] == []
