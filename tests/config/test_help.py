"""`train --help` and `ablate --help` explain every setting and every option, in lines that fit the terminal."""

from __future__ import annotations

import shlex
from itertools import product

import pytest
from PIL import Image

from inceptionctl.cli import main
from inceptionctl.commands.ablate import ABLATE
from inceptionctl.commands.train import TRAIN
from inceptionctl.config.compose import compose, composer_for, groups
from inceptionctl.config.help import GROUPS
from inceptionctl.config.hydra_main import Request
from inceptionctl.config.keys import flatten, key_paths, settings_of
from inceptionctl.config.overrides import sweeps
from inceptionctl.config.validate import parse


@pytest.fixture
def shown(monkeypatch, capsys):
    """The help of a command line, for a terminal of so many columns."""

    def show(*words, columns=80):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert main([*words, "--help"]) == 0
        return capsys.readouterr().out

    return show


def entries(text):
    """{key: (value, explanation)} of the settings."""
    found, key = {}, None
    for line in text.partition("Settings")[2].partition("\nFlags")[0].splitlines():
        if line.startswith("  ") and line[2] != " ":
            key, _, value = line.split("  ")[1].partition("=")
            found[key] = (value, line[32:].strip())
        elif key and line.startswith(" "):
            found[key] = (found[key][0], f"{found[key][1]} {line.strip()}".strip())
    return found


def test_every_setting_has_a_sentence_its_values_and_its_default(shown):
    explained, composed = entries(shown("train")), flatten(compose("train", []))
    expected = {s.key for s in settings_of() if s.key in composed and s.docs and not s.key.endswith(".name")}
    assert explained.keys() == expected | {"name"}
    assert len(explained) > 70
    for key, (value, explanation) in explained.items():
        assert value, key
        assert explanation.endswith("]"), key
        assert len(explanation.partition(" [")[0]) > 10, key
    assert explained["train.batch_size"] == (
        "32", "Images per optimizer step, over all devices and micro-batches. [integer >= 1]"
    )  # fmt: skip
    assert explained["arch.pixels"][0] == "79"
    assert explained["train.compile"][0] == "false"


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", ["train", "ablate"])
def test_no_line_is_wider_than_the_terminal(command, columns, shown):
    lines = shown(command, columns=columns).splitlines()
    assert [line for line in lines if len(line) > columns] == []
    assert max(map(len, lines)) > columns - 8, "the width is used"


def test_every_option_of_every_group_is_listed_and_the_chosen_one_marked(shown):
    text = " ".join(shown("train", "optim=rmsprop").partition("Settings")[0].split())
    for group, options in groups("train").items():
        assert f" {group} {GROUPS[group]}" in text
        for option in options:
            assert f" {option}" in text, option
    assert "momentum, rmsprop*" in text
    assert "digits*" in text


def test_help_of_a_chosen_option_has_its_settings_with_their_values(shown):
    assert "optim.eps" not in entries(shown("train"))
    assert entries(shown("train", "optim=rmsprop"))["optim.eps"][0] == "1.0"
    assert "launch.partition" in entries(shown("train", "launch=slurm"))
    gammas = {o: entries(shown("train", f"schedule={o}"))["schedule.gamma"][1] for o in ("step", "paper")}
    assert "milestone" in gammas["step"]
    assert "milestone" not in gammas["paper"]


def test_each_command_has_its_own_text(shown):
    train, ablate = shown("train"), shown("ablate")
    assert train.startswith("inceptionctl train [flags]")
    assert ablate.startswith("inceptionctl ablate [flags]")
    assert "\n  seeds=3 " in ablate
    assert "\n  seed=0 " not in ablate
    assert "\n  table " in ablate
    assert "seeds=" not in train
    assert "\n  table " not in train
    for text in (train, ablate):
        assert "\n  --dry-run " in text
        assert text.index("\nGroups") < text.index("\nSettings") < text.index("\nFlags") < text.index("\nExamples")


def test_every_group_is_described():
    assert GROUPS.keys() == groups("ablate").keys()


def test_the_help_of_a_wrong_request_names_the_error(capsys):
    assert main(["train", "--help", "optim=rmspro"]) == 2
    assert "Did you mean rmsprop?" in capsys.readouterr().err


@pytest.mark.parametrize("command", [TRAIN, ABLATE], ids=lambda command: command.name)
def test_the_examples_can_be_run(command, tmp_path):
    for split, kind in product(("train", "val"), ("a", "b")):
        (tmp_path / split / kind).mkdir(parents=True)
        Image.new("RGB", (40, 40)).save(tmp_path / split / kind / "0.png")
    for line in command.examples:
        assert line.startswith(f"inceptionctl {command.name}")
        words = shlex.split(line.replace("IMAGENET", str(tmp_path)).replace("IMAGES", str(tmp_path)))[2:]
        for overrides in sweeps([word for word in words if not word.startswith("-")], multirun="-m" in words):
            request = Request.compose(command.name, overrides, composer_for(None))
            assert parse({key: request.tree[key] for key in request.tree.keys() & key_paths()})
