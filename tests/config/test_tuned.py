"""Values of conf/tuned: for their network alone, announced with their reason, and switched off by tuned=none."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from support.runs import launched

from inceptionctl.config.compose import compose, groups
from inceptionctl.config.identity import identity
from inceptionctl.config.validate import parse, parse_frozen
from inceptionctl.errors import RequestError

TUNED = sorted(set(groups("train")["tuned"]) - {"none"})


def config(*overrides):
    return parse(compose("train", overrides))


@pytest.mark.parametrize("option", TUNED)
def test_every_tuned_value_is_announced_with_its_reason(option):
    scale, _, arch = option.partition("_")
    assert (scale in groups("train")["scale"], arch in groups("train")["arch"]) == (True, True)
    plain, tuned = (config(f"scale={scale}", f"arch={arch}", *words) for words in (["tuned=none"], []))
    assert (plain.tuned, tuned.tuned.reason) == (None, tuned.tuned.reason.strip())
    assert identity(plain) != identity(tuned)
    for key, (usual, taken) in tuned.tuned.changes.items():
        group, name = key.split(".")
        assert (getattr(getattr(plain, group), name), getattr(getattr(tuned, group), name)) == (usual, taken)
    assert str(tuned.tuned).endswith(f", because {tuned.tuned.reason} (tuned=none does without)")
    assert parse_frozen(asdict(tuned)) == tuned


def test_a_value_that_was_typed_wins_and_is_not_announced():
    typed = config("arch=vgg16", "schedule.lr=0.1")
    assert (typed.schedule.lr, typed.train.epochs) == (0.1, 16)
    assert typed.tuned.changes.keys() == {"train.epochs", "arch.init", "arch.dropout"}
    assert config("arch=resnet152", "train.epochs=16").tuned is None


def test_tuned_values_are_for_their_network_at_their_scale():
    assert config("arch=resnet50").tuned is None
    assert config("arch=vgg16", "scale=imagenet").tuned is None
    assert config("experiment=rethinking_v3", "arch=vgg16", "data.root=nowhere").tuned is None
    with pytest.raises(RequestError, match="tuned=digits_vgg16 is not for arch=resnet50 at scale=digits"):
        config("arch=resnet50", "tuned=digits_vgg16")


def test_the_identity_counts_values_and_not_where_they_came_from():
    typed = ["train.epochs=16", "arch.init=he", "arch.dropout=0", "schedule.lr=0.03"]
    assert identity(config("arch=vgg16", "tuned=none", *typed)) == identity(config("arch=vgg16"))


def test_tuned_values_are_announced_in_a_dry_run():
    code, said = launched("train", "arch=vgg16", "--dry-run")
    assert (code, "\ntuned     train.epochs 16 instead of 8, " in said) == (0, True)
    assert "\ntuned " not in launched("train", "arch=vgg16", "tuned=none", "--dry-run")[1]


def test_tuned_values_reach_the_runs_of_a_sweep(inceptionctl):
    done = inceptionctl("train", "-m", "arch=vgg16,inception_v2", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("tuned     ") == 1
