"""For every setting: a value of a foreign kind ends in one message that names it; a valid one comes back unchanged."""

from __future__ import annotations

import math
import re
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from inceptionctl.cli import main
from inceptionctl.config.compose import compose
from inceptionctl.config.keys import path_keys, settings_of
from inceptionctl.config.validate import parse
from inceptionctl.config.words import quoted, read
from inceptionctl.errors import RequestError

FIXED = settings(derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
LEAVES = [s for s in settings_of() if not s.is_section and not s.key.endswith(".name")]
FOREIGN = {
    "inf": math.inf, "-inf": -math.inf, "nan": math.nan, "true": True, "1": 1, "-1": -1, "1.0": 1.0, "1e3": 1e3,
    "1e400": math.inf, "9223372036854775808": 2**63, "null": None, '"1"': "1", "[]": [], "[1]": [1], "{a: 1}": {"a": 1},
    "-0.5": -0.5, "[inf]": [math.inf], "[[1]]": [[1]], '"nan"': "nan", '""': "", "off": "off",
}  # fmt: skip
# Where a null is the network's own value, or "none".
FILLED = ("arch.", "loss.aux_weight")


def option_words(setting):
    group = setting.key.partition(".")[0]
    return [f"{group}={option_of(group, setting.option)}"] if setting.option else []


@cache
def option_of(group, kind):
    """An option of the group whose section is of that kind."""
    from inceptionctl.config.compose import groups

    named = (option for option in groups("train")[group] if name_in(group, option) == kind)
    return next(named)


@cache
def name_in(group, option):
    return compose("train", [f"{group}={option}"])[group].get("name")


def takes(setting, value):
    try:
        TypeAdapter(setting.kind).validate_python(value)
    except ValidationError:
        return False
    return True


def check_refused(setting, text):
    """One message, with the key, as exit code 2."""
    with pytest.raises(RequestError, match=re.escape(setting.key)) as caught:
        parse(compose("train", [*option_words(setting), f"{setting.key}={text}"]))
    assert len(str(caught.value)) < 2000


def foreign():
    return [
        (setting, text) for setting in LEAVES for text, value in FOREIGN.items()
        if setting.key not in path_keys() and not takes(setting, value)
        and not (value is None and setting.key.startswith(FILLED))
    ]  # fmt: skip


@pytest.mark.parametrize(("setting", "text"), foreign()[::37], ids=lambda x: getattr(x, "key", x))
def test_a_foreign_value_is_refused(setting, text):
    check_refused(setting, text)


@pytest.mark.slow
@settings(FIXED, max_examples=300)
@given(st.sampled_from(foreign()))
def test_every_foreign_value_of_every_setting_is_refused(case):
    check_refused(*case)


def test_no_number_of_any_setting_is_infinite_nor_a_bool():
    numbers = [True, "1", math.inf, -math.inf, math.nan]
    assert [(s.key, n) for s in LEAVES for n in numbers if s.key != "name" and is_number(s) and takes(s, n)] == []
    assert [(s.key, n) for s in LEAVES for n in (0, 1, 1.0, "true") if is_flag(s) and takes(s, n)] == []
    assert [s.key for s in LEAVES if is_number(s) and takes(s, 1) and not takes(s, 1.5) and takes(s, 10**10)] == []


def is_number(setting):
    return takes(setting, 1) and not takes(setting, "x")


def is_flag(setting):
    return takes(setting, True)


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=60)


@settings(FIXED, max_examples=100)
@given(TEXT)
def test_any_text_is_read_back_from_its_quotes(text):
    assert read(f"name={quoted(text)}").value() == text if "${" not in text else True


def check_path(text):
    path = f"/x{text}"
    tree = compose("train", ["data=imagefolder", f"data.root={path}", f"outputs={path}"])
    assert (tree["data"]["root"], tree["outputs"]) == (path, path)


@settings(FIXED, max_examples=10)
@given(TEXT)
def test_any_path_goes_through_composition_byte_for_byte(text):
    check_path(text)


@pytest.mark.slow
@settings(FIXED, max_examples=200)
@given(st.text(st.sampled_from("ab${}\\\"'[],=:~# \n.é"), min_size=1, max_size=20))
def test_any_path_of_special_characters_goes_through_composition_byte_for_byte(text):
    check_path(text)


@pytest.mark.slow
@settings(FIXED, max_examples=200)
@given(st.text(min_size=1, max_size=40).filter(lambda text: not text.startswith("-")))
def test_any_word_ends_in_one_message(tmp_path_factory, text):
    """In-process, as the command line does it; a dry run writes nothing."""
    assert main(["train", text, "--dry-run"]) in (0, 2)


NUMBERS = [
    s for s in LEAVES if is_number(s) and takes(s, 1) and not s.option and s.key.startswith(("train.", "launch."))
]


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda s: s.key)
def test_a_valid_number_comes_back_unchanged(setting):
    tree = compose("train", [f"{setting.key}=1"])
    for part in setting.key.split("."):
        tree = tree[part]
    assert tree == 1
