"""A setting or an option that does not exist gets a hint that helps, in every form that it can be typed in."""

from __future__ import annotations

import pytest

from inceptionctl.config.compose import OWN_SETTINGS, compose, groups
from inceptionctl.config.hints import OPTIONS, SENTENCES, SYNONYMS, nearest
from inceptionctl.config.keys import key_paths
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError

KNOWN = {*key_paths(), *groups("train")}


def refusal(*overrides, command="train"):
    with pytest.raises(RequestError) as refused:
        compose(command, overrides)
    return str(refused.value)


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        # the last segment is a key of ours
        ("lr=0.1", "Did you mean schedule.lr=0.1?"),
        ("optim.lr=0.1", "Did you mean schedule.lr=0.1?"),
        ("train.lr=0.1", "Did you mean schedule.lr=0.1?"),
        ("+optim.lr=0.1", "Did you mean schedule.lr=0.1?"),
        ("++optim.lr=0.1", "Did you mean schedule.lr=0.1?"),
        ("~optim.lr", "Did you mean schedule.lr?"),
        ("++optim={lr: 0.1}", "Did you mean schedule.lr?"),
        ("lr=null", "Did you mean schedule.lr=null?"),
        ("epochs=3", "Did you mean train.epochs=3?"),
        ("batch_size=64", "Did you mean train.batch_size=64?"),
        ("optim.weight_decay=0", "Did you mean train.weight_decay=0?"),
        ("warmup_epochs=5", "Did you mean schedule.warmup_epochs=5?"),
        ("decay=0.9", "Did you mean optim.decay=0.9 or train.ema.decay=0.9?"),
        # the word of another tool
        ("learning_rate=0.1", "Did you mean schedule.lr=0.1?"),
        ("max_epochs=3", "Did you mean train.epochs=3?"),
        ("bs=64", "Did you mean train.batch_size=64?"),
        ("gpus=4", "Did you mean launch.nproc=4 or launch.gpus_per_node=4?"),
        ("launch.gpus=4", "Did you mean launch.nproc=4 or launch.gpus_per_node=4?"),
        ("devices=4", "Did you mean launch.nproc=4?"),
        ("wd=0", "Did you mean train.weight_decay=0?"),
        ("num_workers=4", "Did you mean data.workers=4?"),
        ("data.num_workers=4", "Did you mean data.workers=4?"),
        ("clip_grad=1", "Did you mean train.grad_clip=1?"),
        ("smoothing=0.1", "Did you mean loss.label_smoothing=0.1?"),
        ("model_ema_decay=0.9999", "Did you mean train.ema.decay=0.9999?"),
        ("accum=4", "Did you mean launch.accumulation_steps=4?"),
        ("amp=true", "Did you mean train.precision=bfloat16?"),
        ("model=inception_v3", "Did you mean arch=inception_v3?"),
        ("model=resnet18", "Did you mean arch?"),
        ("optimizer=rmsprop", "Did you mean optim=rmsprop?"),
        ("opt=adamw", "Did you mean optim?"),
        ("dataset=digits", "Did you mean data=digits?"),
        ("pretrained=true", "Did you mean weights=timm?"),
        ("num_classes=5", "The number of classes follows from the data."),
        ("arch.num_classes=5", "The number of classes follows from the data."),
        ("resume=outputs/a", "`inceptionctl resume RUN_DIR` continues a run."),
        ("table=residual", "`inceptionctl ablate table=NAME` runs a table."),
        ("seeds=3", "add -m, as in -m seed=0,1,2"),
        # a key of this project before
        ("train.batch=64", "Did you mean train.batch_size=64?"),
        ("schedule.batch=64", "Did you mean schedule.base_batch_size=64?"),
        ("schedule.rate=0.1", "Did you mean schedule.lr=0.1?"),
        ("schedule.every=2", "Did you mean schedule.decay_epochs=2?"),
        ("launch.processes=2", "Did you mean launch.nproc=2?"),
        ("launch.accumulate=2", "Did you mean launch.accumulation_steps=2?"),
        ("launch.watchdog=60", "Did you mean launch.hang_timeout=60?"),
        ("train.average.value=0.1", "Did you mean train.ema.decay=0.1?"),
        ("data.corrupt=skip", "Did you mean data.on_corrupt=skip?"),
        # misspelt
        ("loss.label_smothing=0.1", "Did you mean loss.label_smoothing=0.1?"),
        ("optim.lrr=0.1", "Did you mean schedule.lr=0.1?"),
        ("train.epoch=3", "Did you mean train.epochs=3?"),
        ("launch.procesess=2", "Did you mean launch.nproc=2?"),
        ("sed=1", "Did you mean seed=1?"),
        ("archh=inception_v3", "Did you mean arch=inception_v3?"),
    ],
)
def test_an_unknown_setting_gets_a_hint(typed, hint):
    message = refusal(typed)
    assert message.startswith("unknown setting ")
    assert hint in message
    assert "\n  available: " in message


def test_nothing_is_suggested_for_a_word_unlike_any_other():
    assert "Did you mean" not in refusal("xyzzy=1")
    assert "Did you mean" not in refusal("train.xyzzy=1")


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("optim=wandb", "wandb is an option of tracker: tracker=wandb"),
        ("optim=cosine", "cosine is an option of schedule: schedule=cosine"),
        ("arch=label_smoothing", "ablation=label_smoothing or loss=label_smoothing"),
        ("arch=inceptoin_v3", "Did you mean inception_v3?"),
        ("ablation=[rmspro]", "Did you mean rmsprop?"),
        ("optim=sgd", "Did you mean momentum?"),
        ("optim=3", "available: momentum, rmsprop"),
        ("arch=inception_v1", "Did you mean googlenet?"),
        ("optim=ladder", "--config-dir FOLDER, from FOLDER/optim/ladder.yaml"),
    ],
)
def test_an_unknown_option_gets_a_hint(typed, hint):
    message = refusal(typed)
    assert message.startswith(f"unknown {typed.partition('=')[0]} ")
    assert hint in message


def test_a_folder_is_no_data_set_by_itself(tmp_path, monkeypatch):
    (tmp_path / "photographs").mkdir()
    monkeypatch.chdir(tmp_path)
    assert "images is data=imagefolder data.root=photographs." in refusal("data=photographs")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("optim.eps=1e-3", "optim.eps is a setting of optim=rmsprop; this is optim=momentum"),
        ("launch.partition=long", "launch.partition is a setting of launch=slurm; this is launch=local"),
        ("++launch={partition: long}", "launch.partition is a setting of launch=slurm; this is launch=local"),
        ("schedule.milestones=[1]", "schedule.milestones is a setting of schedule=step; this is schedule=exponential"),
    ],
)
def test_a_setting_of_another_option_is_named_as_such(typed, message):
    with pytest.raises(RequestError, match=f"^{message}"):
        parse(compose("train", [typed]))


GROUPS = sorted(groups("train"))


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("form", ["G=null", "G=", "~G", "~G=O", "+G=O", "++G=O", "G@here=O", "G=[null]", "G=[O,O]"])
def test_every_form_that_chooses_no_option_is_refused_with_the_choices(group, form):
    option = groups("train")[group][0]
    typed = form.replace("O", option).replace("G", group)
    message = refusal(typed)
    assert message.startswith((f"{typed}: ", f"unknown {group} "))
    assert group in message.partition(":")[2] or option in message


@pytest.mark.parametrize("typed", ["train=null", "train=3", "train.ema=null", "arch.aux=[]"])
def test_a_section_takes_no_value(typed):
    assert refusal(typed).startswith(f"{typed}: {typed.partition('=')[0]} is a section")


@pytest.mark.parametrize("typed", ["~train", "~arch.aux", "~train.epochs", "~seed"])
def test_nothing_is_removed(typed):
    assert refusal(typed).startswith(f"{typed}: a setting cannot be removed")


def test_every_suggestion_exists():
    known = {*KNOWN, *(f"{group}={option}" for group, options in groups("train").items() for option in options)}
    for ours, words in SYNONYMS.items():
        key, _, value = ours.partition("=")
        assert ours in known or (key in KNOWN and value), ours
        assert [word for word in words.split() if word in KNOWN] == [], ours
        assert all(ours in nearest(word, KNOWN) for word in words.split()), ours
    options = {option for choices in groups("train").values() for option in choices}
    assert set(OPTIONS.values()) <= options
    assert not {word for words in SENTENCES.values() for word in words.split()} & KNOWN


def test_a_command_s_own_settings_are_known_to_it_alone():
    assert {"seeds", "switches", "null"} <= OWN_SETTINGS["ablate"].keys()
    assert not OWN_SETTINGS["ablate"].keys() & OWN_SETTINGS["train"].keys()
    assert compose("ablate", ["seeds=2"])["seeds"] == 2
    assert "Did you mean seeds=2?" in refusal("sedes=2", command="ablate")
