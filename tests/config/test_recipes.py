"""Each experiment against what its paper states (training.md 1 to 6); what the paper does not state is marked."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import yaml
from PIL import Image
from support.command_line import latest

from inceptionctl.config.compose import compose, composer_for, groups
from inceptionctl.config.keys import flatten
from inceptionctl.config.validate import parse
from inceptionctl.planning.plan import plan

CONF = Path(__file__).parents[2] / "conf"
NAMES = groups("train")["experiment"]
IMAGES = 1_281_167  # of ImageNet, to train

LATER = {"loss.label_smoothing": 0.0, "train.grad_clip": math.inf}  # came with Rethinking
GOOGLENET = LATER | {"optim.momentum": 0.9, "schedule.gamma": 0.96, "schedule.decay_epochs": 8}  # section 6
BN = LATER | {"schedule.base_batch_size": 32, "train.batch_size": 32, "train.bn_batch_size": 32}  # section 4.2
BASELINE = BN | {"schedule.lr": 0.0015, "arch.dropout": 0.4}  # sections 4.2.2 and 4.2.3
X5 = BN | {"schedule.lr": 0.0075, "arch.dropout": 0.0}  # sections 4.2.1 and 4.2.2
X30 = X5 | {"schedule.lr": 0.045}
SCHEDULE = {"schedule.lr": 0.045, "schedule.gamma": 0.94, "schedule.decay_epochs": 2}
INCEPTION_V4 = SCHEDULE | {"optim.decay": 0.9, "optim.eps": 1.0}  # section 4
RETHINKING = INCEPTION_V4 | {
    "train.batch_size": 50 * 32,
    "train.bn_batch_size": 32,
    "train.epochs": 100,
    "train.grad_clip": 2.0,
}
RETHINKING |= {"loss.label_smoothing": 0.1}  # section 7; the rest: section 8
XCEPTION = SCHEDULE | {"optim.momentum": 0.9, "train.weight_decay": 1e-5}  # sections 4.2 and 4.3

STATED = {
    "googlenet": GOOGLENET,
    "bn_inception_baseline": BASELINE,
    "bn_inception_x5": X5,
    "bn_inception_x30": X30,
    "rethinking_v2": RETHINKING,
    "rethinking_v3": RETHINKING,
    "inception_v4": INCEPTION_V4,
    "inception_resnet_v1": INCEPTION_V4,
    "inception_resnet_v2": INCEPTION_V4,
    "xception": XCEPTION,
}


def average(steps):
    """The share of a run's steps that are the 10,000 which a decay of 0.9999 remembers (the released script)."""
    return {"train.ema.decay": 10_000 / steps}


def epochs(steps):
    """Of batches of 32."""
    return {"train.epochs": steps * 32 / IMAGES}


CAFFE = {"schedule.lr": 0.01, "schedule.base_batch_size": 32, "train.batch_size": 32, "train.weight_decay": 2e-4}
AS_GOOGLENET = {"optim.momentum": 0.9, "schedule.gamma": 0.96}
SLOWER = AS_GOOGLENET | {"schedule.decay_epochs": 8, "train.weight_decay": 2e-4}
FASTER = AS_GOOGLENET | {"schedule.decay_epochs": 8 / 6, "train.weight_decay": 2e-4 / 5}
RELEASED = {"optim.momentum": 0.9, "train.weight_decay": 4e-5}
REPLICAS = {"train.bn_batch_size": 32, "train.epochs": 100, "train.grad_clip": 2.0}
TWENTY = {"schedule.base_batch_size": 20 * 32, "train.batch_size": 20 * 32, "loss.label_smoothing": 0.1}

READ = {
    "googlenet": CAFFE | epochs(10e6) | average(10e6),
    "bn_inception_baseline": SLOWER | epochs(31e6) | average(31e6),
    "bn_inception_x5": FASTER | epochs(6e6) | average(6e6),
    "bn_inception_x30": FASTER | epochs(6e6) | average(6e6),
    "rethinking_v2": RELEASED | average(80_000) | {"schedule.base_batch_size": 1600},
    "rethinking_v3": RELEASED | average(80_000) | {"schedule.base_batch_size": 1600},
    "inception_v4": RELEASED | REPLICAS | TWENTY | average(200_000),
    "inception_resnet_v1": RELEASED | REPLICAS | TWENTY | average(200_000),
    "inception_resnet_v2": RELEASED | REPLICAS | TWENTY | average(200_000),
    "xception": REPLICAS
    | average(80_000)
    | {"schedule.base_batch_size": 1600, "train.batch_size": 1600, "loss.label_smoothing": 0.0},
}

# Network, dropout, weight of its side heads (0: it has none), optimizer, augmentation.
KINDS = {
    "googlenet": ("googlenet", 0.4, 0.3, "momentum", "googlenet"),
    "bn_inception_baseline": ("bn_inception", 0.4, 0.0, "momentum", "googlenet"),
    "bn_inception_x5": ("bn_inception", 0.0, 0.0, "momentum", "googlenet_milder"),
    "bn_inception_x30": ("bn_inception", 0.0, 0.0, "momentum", "googlenet_milder"),
    "rethinking_v2": ("inception_v2", 0.2, 0.4, "rmsprop", "slim"),
    "rethinking_v3": ("inception_v3", 0.2, 0.4, "rmsprop", "slim"),
    "inception_v4": ("inception_v4", 0.2, 0.4, "rmsprop", "slim"),
    "inception_resnet_v1": ("inception_resnet_v1", 0.2, 0.0, "rmsprop", "slim"),
    "inception_resnet_v2": ("inception_resnet_v2", 0.2, 0.4, "rmsprop", "slim"),
    "xception": ("xception", 0.5, 0.0, "momentum", "slim"),
}

# Of the machine, or what no recipe has.
ASIDE = {
    "loss.aux_weight",
    "schedule.warmup_epochs",
    "train.rollbacks",
    "train.monitor",
    "train.monitor_epochs",
    "train.log_every",
    "train.keep_checkpoints",
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    for folder in (root / split / kind for split in ("train", "val") for kind in ("n01440764", "n01443537")):
        folder.mkdir(parents=True)
        for i in range(4):
            Image.new("RGB", (40, 40)).save(folder / f"{i}.png")
    return root


def tree(name, *overrides):
    return compose("train", latest(f"experiment={name}", "data.root=nowhere", *overrides))


def numbers(tree):
    """The numeric settings of a recipe by key; bools and nulls are none."""
    kept = {section: tree.get(section, {}) for section in ("optim", "schedule", "loss", "train")}
    kept["train"]["grad_clip"] = kept["train"]["grad_clip"] or math.inf  # null: no clipping
    kept["arch"] = {"dropout": tree.get("arch", {}).get("dropout")}
    found = {key: value for key, value in flatten(kept).items() if key not in ASIDE and not isinstance(value, bool)}
    return {key: float(value) for key, value in found.items() if isinstance(value, int | float)}


def below(path):
    """A file of conf and those that it builds on, the last word first: (path, text)."""
    text = (CONF / f"{path}.yaml").read_text()
    yield path, text
    for entry in yaml.safe_load(text).get("defaults", []):
        if isinstance(entry, str) and entry != "_self_":
            yield from below(f"{path.rpartition('/')[0]}/{entry}")


def sources(name):
    """Every file that may set a number of an experiment, the last word first."""
    choices = composer_for(None).load("train", [f"experiment={name}"]).hydra.runtime.choices
    for group in ("experiment", "scale", "optim", "schedule", "loss"):
        yield from below(f"{group}/{choices[group]}")
    yield "base", (CONF / "base.yaml").read_text()


def line_of(text, key):
    """The line of a YAML text that sets `key`, its comment included; None where none does."""
    node = yaml.compose(text)
    for part in key.split("."):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        at, node = next(((k, v) for k, v in pairs if k.value == part), (None, None))
        if at is None:
            return None
    return text.splitlines()[at.start_mark.line]


def last_word(key, texts):
    """The line that gives a setting its value; one of a group is told by whoever chose the group, too."""
    for path, text in texts:
        group = path.partition("/")[0]
        if line := line_of(text, key.removeprefix(f"{group}.")):
            choices = (re.search(f"- override /{group}:.*", text) for _, text in texts)
            return line + next((choice[0] for choice in choices if choice), "")
    raise AssertionError(f"nothing sets {key}")


def marked(name, change=lambda text: text):
    """The numbers whose last word says that they are not stated."""
    texts = [(path, change(text)) for path, text in sources(name)]
    return {key for key in numbers(tree(name)) if re.search(r"#.*not state", last_word(key, texts))}


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_what_its_paper_states_and_what_was_read_for_the_rest(name):
    assert not STATED[name].keys() & READ[name].keys()
    assert numbers(tree(name)) == pytest.approx(STATED[name] | READ[name], rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_paper_does_not_state_is_marked_and_nothing_else(name):
    assert marked(name) == READ[name].keys()


@pytest.mark.parametrize("name", ["rethinking_v3", "xception"])
def test_a_mark_that_is_missing_is_found(name):
    assert marked(name, lambda text: text.replace("# not stated", "#")) < READ[name].keys()


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_sets_no_number_that_is_not_looked_at(name):
    """Of groups it chooses options and changes none, so another option on the command line replaces the whole."""
    for path, text in below(f"experiment/{name}"):
        own = {key for key, value in flatten(yaml.safe_load(text)).items() if key != "defaults" and value is not None}
        assert own <= {*STATED[name], *READ[name]}, path
        assert {key.partition(".")[0] for key in own} <= {"arch", "train"}, path


def test_another_option_of_a_group_replaces_a_recipe_s():
    changed = tree("inception_v4", "schedule=cosine", "loss=cross_entropy")
    assert changed["schedule"] == compose("train", ["schedule=cosine"])["schedule"]
    assert changed["loss"]["label_smoothing"] == 0.0
    assert parse(tree("bn_inception_x5", "schedule=step")).schedule.name == "step"


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_says_how_to_run_it_and_plans(name, images):
    comment = (CONF / "experiment" / f"{name}.yaml").read_text().partition("defaults:")[0]
    assert f"#   inceptionctl train experiment={name} data.root=IMAGENET\n" in comment
    assert "section" in comment
    made = plan(parse(tree(name, f"data.root={images}", "train.batch_size=2")))
    config = made.config
    dropout = next(node.rate for child, node in made.spec if child == "dropout")
    *expected, augment = KINDS[name]
    assert [config.arch.name, dropout, config.loss.aux_weight, config.optim.name] == expected
    assert config.augment == parse(compose("train", [f"augment={augment}"])).augment
    assert (config.arch.width, config.arch.pixels) == (1.0, 224 if name.startswith(("googlenet", "bn")) else 299)


@pytest.mark.parametrize("name", NAMES)
def test_the_rate_follows_the_batch(name):
    """Linearly from the batch that the recipe's own is, where it stays as printed."""
    whole, part = parse(tree(name)), parse(tree(name, "train.batch_size=256"))
    assert whole.schedule.lr_factor(whole.train.batch_size) == 1.0
    assert part.schedule.lr_factor(256) == pytest.approx(256 / whole.train.batch_size)


def test_every_average_remembers_a_share_of_the_run():
    assert {tree(name)["train"]["ema"]["unit"] for name in NAMES} == {"fraction"}
