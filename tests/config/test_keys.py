"""The keys of the settings: documented, the same in YAML and schema, and named in errors as they were typed."""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from inceptionctl.config.compose import compose, groups
from inceptionctl.config.keys import flatten, sections_in, settings_of
from inceptionctl.config.validate import parse
from inceptionctl.config.values import values_of
from inceptionctl.errors import RequestError

CONF = Path(__file__).parents[2] / "conf"
SETTINGS = settings_of()
BY_KEY = {(setting.key, setting.option): setting for setting in SETTINGS}
FILLED_IN = {"run_dir", "rerun"}
GROUPS = {setting.key for setting in SETTINGS if sections_in(setting.kind) and "." not in setting.key} - {"train"}


def test_every_setting_is_documented():
    leaves = [setting for setting in SETTINGS if not sections_in(setting.kind) and not setting.key.endswith(".name")]
    leaves = [setting for setting in leaves if setting.key not in FILLED_IN]
    assert [setting.key for setting in leaves if not setting.docs] == []
    assert [setting.key for setting in leaves if not values_of(setting.kind)] == []


@pytest.mark.parametrize(
    ("key", "option", "values", "docs"),
    [
        ("train.batch_size", None, "integer >= 1", "Images per optimizer step"),
        ("train.grad_clip", None, "number > 0 or null", "null: no clipping"),
        ("train.compile", None, "true | false", "torch.compile"),
        ("schedule.lr_scaling", None, "linear | sqrt", "follows train.batch_size"),
        ("schedule.milestones", "step", "list of number > 0", "Epochs"),
        ("arch.rewrites.between", None, "relu | elu or null", "activation"),
    ],
)
def test_values_and_documentation_of_a_setting(key, option, values, docs):
    setting = BY_KEY[key, option]
    assert values_of(setting.kind) == values
    assert docs in setting.docs


@cache
def composed(choice):
    return compose("train", [choice])


def options():
    for group, names in groups("train").items():
        for name in names:
            yield f"{group}=[{name}]" if group == "ablation" else f"{group}={name}"


@pytest.mark.parametrize("choice", sorted(options()))
def test_every_option_of_every_group_composes_and_validates(choice):
    group, _, option = choice.partition("=")
    network = [f"arch={option.partition('_')[2]}"] if group == "tuned" and option != "none" else []
    assert parse(compose("train", [choice, *network]) if network else composed(choice)).seed == 0


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_every_option_has_exactly_the_keys_of_its_section(group):
    sections = sections_in(next(setting.kind for setting in SETTINGS if setting.key == group))
    for option in groups("train")[group]:
        tree = composed(f"{group}={option}")[group]
        name = tree["name"] if len(sections) > 1 or None not in sections else None
        keys = {s.key for s in SETTINGS if s.key.startswith(f"{group}.") and s.option in (None, name)}
        leaves = {key for key in keys if not sections_in(BY_KEY.get((key, name), BY_KEY.get((key, None))).kind)}
        if group == "tracker":  # any number of them, each below its name
            leaves = {key for key in leaves if key.startswith(f"tracker.{option}.")}
        assert flatten({group: tree}).keys() - {"tracker"} == leaves, option


def test_every_kind_of_section_has_an_option_of_its_name():
    for group in GROUPS:
        sections = sections_in(next(setting.kind for setting in SETTINGS if setting.key == group))
        assert {name for name in sections if name} <= {*groups("train")[group]}


def interpolations():
    """(option, key, what it interpolates) of every YAML file."""
    for path in sorted(CONF.glob("*/*.yaml")):
        for key, value in flatten({path.parent.name: yaml.safe_load(path.read_text()) or {}}).items():
            if isinstance(value, str) and (found := re.fullmatch(r"\$\{(\w+\.\w+)\}", value)):
                yield f"{path.parent.name}={path.stem}", key, found[1]


@pytest.mark.parametrize(("option", "key", "target"), list(interpolations()))
@pytest.mark.parametrize("value", ["abc", "0", "nan", "inf", "true", "null"])
def test_an_error_names_the_setting_that_was_typed_and_not_one_that_interpolates_it(option, key, target, value):
    assert compose("train", [option])[key.partition(".")[0]]
    with pytest.raises(RequestError, match=f"^{target} = {value} is not allowed"):
        parse(compose("train", [option, f"{target}={value}"]))


def test_a_number_is_a_finite_number():
    """True is not 1, "1" is text, and infinity trains nothing."""
    for setting in SETTINGS:
        if re.match("number|integer", "" if sections_in(setting.kind) else values_of(setting.kind)):
            for value in (True, "1", math.inf):
                with pytest.raises(ValidationError):
                    TypeAdapter(setting.kind).validate_python(value)


def test_a_setting_of_another_option_is_named_with_its_option():
    for override, message in {
        "schedule.min_lr_ratio=0.1": "schedule.min_lr_ratio is a setting of schedule=cosine",
        "optim.eps=1": "optim.eps is a setting of optim=rmsprop",
        "data.on_corrupt=skip": "data.on_corrupt is a setting of data=cifar10, .*labelled, .* and data=webdataset; ",
        "data.split=0.1": "data.split is a setting of data=imagefolder and data=parquet; this is data=digits_jitter",
        "launch.partition=long": "launch.partition is a setting of launch=slurm",
        "tracker.wandb.mode=offline": "tracker.wandb.mode is a setting of tracker=wandb",
    }.items():
        with pytest.raises(RequestError, match=message):
            parse(compose("train", [override]))
    with pytest.raises(RequestError, match="a setting of schedule=exponential and schedule=step; this is"):
        parse(compose("train", ["++schedule={gamma: 0.5}", "schedule=cosine"]))
