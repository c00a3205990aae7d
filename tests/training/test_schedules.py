"""Schedules against torch's and the papers' arithmetic; the rate that goes with a batch."""

from __future__ import annotations

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, MultiStepLR

from inceptionctl.config.compose import compose, groups
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
from inceptionctl.planning.plan import plan
from inceptionctl.scheduling.preview import lr_curve
from inceptionctl.training.clock import Clock
from inceptionctl.training.schedules import SCALING, SCHEDULES

STEPS = 40
COMMON = {"lr": 0.3, "base_batch_size": None, "lr_scaling": "linear", "warmup_epochs": 0}


def schedule(name, steps_per_epoch=1, batch_size=32, **settings):
    """Over `STEPS` steps; epochs are steps unless said otherwise."""
    return SCHEDULES[name](name=name, **COMMON | settings).schedule(batch_size, Clock(steps_per_epoch, STEPS))


def config(*overrides):
    return parse(compose("train", overrides))


def oracle(make):
    """The learning rates that one of torch's schedulers goes through."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = make(optimizer)
    for _ in range(STEPS):
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("ratio", [0.0, 0.1])
def test_cosine_is_torch_s(ratio):
    ours = schedule("cosine", min_lr_ratio=ratio)
    theirs = oracle(lambda optimizer: CosineAnnealingLR(optimizer, T_max=STEPS, eta_min=ratio * 0.3))
    assert [ours(step) for step in range(STEPS)] == pytest.approx(list(theirs), abs=1e-12)
    assert [ours(STEPS), ours(STEPS + 5)] == pytest.approx([ratio * 0.3] * 2)


def test_step_is_torch_s():
    ours = schedule("step", gamma=0.1, milestones=[7, 20, 39])
    theirs = oracle(lambda optimizer: MultiStepLR(optimizer, [7, 20, 39], gamma=0.1))
    assert [ours(step) for step in range(STEPS)] == pytest.approx(list(theirs), rel=1e-12)


def test_the_paper_s_schedule_ends_where_it_says():
    """0.045 x 0.94^50 = 0.00204 after 100 epochs (training.md 1)."""
    paper = schedule("exponential", steps_per_epoch=800, lr=0.045, gamma=0.94, decay_epochs=2, staircase=True)
    assert [paper(step) for step in (0, 1599, 1600)] == [0.045, 0.045, 0.045 * 0.94]
    assert f"{paper(100 * 800):.5f}" == "0.00204"


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("constant", {}),
        ("exponential", {"gamma": 0.01, "decay_epochs": 100, "staircase": False}),
        ("step", {"gamma": 0.1, "milestones": [20]}),
        ("cosine", {"min_lr_ratio": 0.1}),
    ],
)
def test_warm_up_rises_to_each_schedule(name, settings):
    warmed_up, plain = (schedule(name, **settings, warmup_epochs=epochs) for epochs in (10, 0))
    factors = [warmed_up(step) / plain(step) for step in (0, 4, 10, 50)]
    assert [round(factor, 3) for factor in factors] == [0.091, 0.455, 1.0, 1.0]


def test_settings_are_epochs_and_become_steps():
    made = plan(
        config("data=digits", "train.batch_size=100", "schedule=step", "schedule.milestones=[2,3.5]", "train.epochs=6")
    )
    assert made.clock.steps_per_epoch == 14
    assert made.schedule.warmup_steps == 70
    assert [made.schedule.decay(step) for step in (27, 28, 48, 49)] == pytest.approx([1.0, 0.1, 0.1, 0.01])
    made = plan(
        config("data=digits", "train.batch_size=100", "schedule=cosine", "train.epochs=5", "schedule.warmup_epochs=0")
    )
    assert (made.clock.steps, made.schedule(70)) == (70, 0.0)


@pytest.mark.parametrize(
    ("batch", "rule", "factor"),
    [(1600, "linear", 1.0), (256, "linear", 0.16), (6400, "linear", 4.0), (400, "sqrt", 0.5), (1600, "sqrt", 1.0)],
)
def test_the_learning_rate_follows_the_batch_by_the_rule(batch, rule, factor):
    made = config("schedule=paper", f"train.batch_size={batch}", f"schedule.lr_scaling={rule}")
    assert made.schedule.lr_factor(batch) == pytest.approx(factor)


def test_a_learning_rate_without_a_base_batch_size_is_used_as_it_is():
    """So at the scales of digits, CIFAR and folders, whose learning rates were found at their own batch size."""
    for scale in ("digits", "cifar10", "imagefolder"):
        made = config(f"scale={scale}", "train.batch_size=7")
        assert (made.schedule.base_batch_size, made.schedule.lr_factor(7)) == (None, 1.0)
    assert plan(config("train.batch_size=64")).schedule.lr == 0.3


def test_the_plan_scales_and_says_so():
    made = plan(config("data=digits", "schedule=paper", "train.batch_size=256"))
    assert made.schedule.lr == pytest.approx(0.045 * 0.16)
    assert lr_curve(made).startswith("0.0072 ")
    assert lr_curve(made).endswith("(start to end; 0.045 for a batch of 1,600, here x 0.16 (linear))")
    assert lr_curve(plan(config("data=digits"))).endswith("(start to end)")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["schedule=step", "schedule.milestones=null"], "schedule.milestones = null is not allowed"),
        (
            ["schedule=paper", "schedule.decay_epochs=null"],
            "schedule.decay_epochs = null is not allowed",
        ),
        (["schedule=cosine", "schedule.min_lr_ratio=null"], "schedule.min_lr_ratio = null is not allowed"),
        (
            ["schedule=cosine", "schedule.gamma=0.5"],
            "schedule.gamma is a setting of schedule=exponential and schedule=step",
        ),
        (["schedule=constant", "schedule.min_lr_ratio=0.5"], "schedule.min_lr_ratio is a setting of schedule=cosine"),
        (["schedule=step", "schedule.milestones=[60,30]"], "out of order"),
        (["schedule=step", "schedule.milestones=[30,30]"], "out of order"),
        (["schedule=step", "schedule.milestones=[]"], "schedule.milestones = .* is not allowed"),
        (["schedule=step", "schedule.milestones=[0]"], r"schedule.milestones.* = 0 is not allowed"),
        (["schedule=cosine", "schedule.min_lr_ratio=1"], "schedule.min_lr_ratio = 1 is not allowed"),
        (["schedule.base_batch_size=0"], "schedule.base_batch_size = 0"),
        (["schedule.lr_scaling=cubic"], "schedule.lr_scaling = cubic is not allowed.*linear"),
    ],
)
def test_what_is_wrong_with_a_schedule_is_named(overrides, message):
    with pytest.raises(RequestError, match=f"(?s){message}"):
        config(*overrides)


def test_every_kind_of_schedule_has_an_option():
    names = {config(f"schedule={option}").schedule.name for option in groups("train")["schedule"]}
    assert (names, set(SCALING)) == (set(SCHEDULES), {"linear", "sqrt"})
