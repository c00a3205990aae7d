"""Schedules of recipes in shorter runs: refused where somebody typed them, else fitted or told."""

from __future__ import annotations

import pytest
from support.runs import launched

from inceptionctl.config.compose import compose
from inceptionctl.config.identity import identity
from inceptionctl.config.idle import check_idle
from inceptionctl.config.overrides import flatten_overrides
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
from inceptionctl.planning.schedule import schedule_notes, with_fitting_warmup
from inceptionctl.training.clock import Clock

STEPS = 100


def planned(*words):
    """The configuration and what is said of its schedule, after the checks of what was typed."""
    config = parse(compose("train", words))
    check_idle([config], flatten_overrides(words))
    config = with_fitting_warmup(config)
    return config, schedule_notes(config, Clock(STEPS, max(1, round(STEPS * config.train.epochs))))


def test_a_recipe_s_warm_up_takes_a_tenth_of_a_run_that_is_too_short_for_it():
    config, notes = planned("schedule=cosine", "train.epochs=2")
    assert config.schedule.warmup_epochs == 0.2
    assert notes == [
        "warm-up shortened from 5 to 0.2 epochs, a tenth of the run: it has 2 (schedule.warmup_epochs sets it)"
    ]
    schedule = config.schedule.schedule(256, Clock(STEPS, 2 * STEPS))
    assert max(map(schedule, range(2 * STEPS))) > 0.97 * config.schedule.lr


def test_a_warm_up_that_fits_is_left_alone():
    config, notes = planned("schedule=cosine", "train.epochs=50")
    assert (config.schedule.warmup_epochs, notes) == (5, [])
    assert planned("schedule=cosine", "train.epochs=8")[1] == ["the warm-up, 5 epochs, is more than half of the run"]
    assert planned()[1] == []


def test_a_fitted_run_is_the_run_of_the_same_numbers():
    fitted, _ = planned("schedule=cosine", "train.epochs=2")
    typed, _ = planned("schedule=cosine", "train.epochs=2", "schedule.warmup_epochs=0.2")
    assert identity(fitted) == identity(typed)


REFUSED = [
    (["schedule.warmup_epochs=8"], "schedule.warmup_epochs=8: the learning rate rises over 8 epochs, and the run"),
    (["schedule.warmup_epochs=5", "train.epochs=1"], "such as schedule.warmup_epochs=0.1"),
    (["schedule={warmup_epochs:9}"], "the learning rate rises over 9 epochs"),
    (["schedule=paper", "train.epochs=1", "schedule.decay_epochs=2"], "the first decay comes after 2 epochs"),
    (["schedule=paper", "train.epochs=2", "schedule.gamma=0.5"], "the first decay comes after 2 epochs"),
    (["schedule=step", "schedule.milestones=[9,12]"], "the first milestone is epoch 9, and the run has 8"),
    (["schedule=step", "schedule.gamma=0.5"], "the first milestone is epoch 30, and the run has 8"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_a_typed_setting_that_the_run_never_comes_to_is_refused(words, message):
    with pytest.raises(RequestError) as refusal:
        planned(*words)
    assert message in str(refusal.value)


TOLD = [
    (["schedule=paper", "train.epochs=1"], "the learning rate never falls: the first decay comes after 2 epochs"),
    (["schedule=step", "train.epochs=40"], "the run has 40 epochs and never comes to the milestones 60, 80"),
    (["schedule=step"], "the learning rate never falls: the first milestone is epoch 30, and the run has 8"),
    (["schedule=exponential", "train.epochs=1"], "the learning rate falls by 0.94 in 2 epochs, and the run has 1"),
    (["schedule.warmup_epochs=0.001"], "no warm-up: 0.001 epochs are less than half a step"),
    (["train.ema.decay=0.5"], "train.ema.warmup holds the average's decay below 0.98889 to the end; without, it is"),
]


@pytest.mark.parametrize(("words", "message"), TOLD, ids=[" ".join(words) for words, _ in TOLD])
def test_what_a_run_is_too_short_for_is_told(words, message):
    assert any(note.startswith(message) for note in planned(*words)[1])


def test_one_epoch_of_the_paper_s_recipe_works():
    assert planned("scale=imagenet", "train.epochs=1")[1][0].startswith("the learning rate never falls")


def test_a_dry_run_shows_a_curve_for_each_schedule(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said = launched("ablate", "table=rmsprop", "seeds=2", "train.epochs=0.5", "--dry-run")
    assert code == 0, said
    curves = [line for line in said.splitlines() if line.startswith("lr ")]
    named = ["Momentum, RMSProp eps 1: ", "RMSProp eps 1e-3: ", "RMSProp eps 1e-8: "]
    assert [line[len("lr        ") :].startswith(name) for line, name in zip(curves, named, strict=True)] == [True] * 3
    assert said.count("note") == said.count("warm-up shortened from 0.8 to 0.05 epochs") == 1
