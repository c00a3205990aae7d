"""Every option composes and validates; what is wrong is refused with its name, its value and the choices."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import combinations

import pytest

from inceptionctl.config.compose import Composer, compose, composer_for, groups
from inceptionctl.config.hydra_main import Request
from inceptionctl.config.identity import identity
from inceptionctl.config.keys import flatten
from inceptionctl.config.overrides import sweeps
from inceptionctl.config.validate import parse, parse_frozen
from inceptionctl.errors import RequestError
from inceptionctl.models.spec.cost import cost
from inceptionctl.models.zoo.registry import ARCHITECTURES
from inceptionctl.planning.plan import plan


def config(*overrides):
    return parse(compose("train", overrides))


def test_every_table_composes():
    for table in groups("ablate")["table"]:
        assert compose("ablate", [f"table={table}"])["table"]["name"] == table


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("arch=inceptoin_v3", "unknown arch 'inceptoin_v3'.*Did you mean inception_v3"),
        ("+optim.lrr=1", "unknown setting 'optim.lrr'"),
        ("optim.lrr=1", "unknown setting 'optim.lrr'"),
        ("++loss.label_smothing=0.1", "Did you mean loss.label_smoothing"),
        ("+sed=1", "Did you mean seed"),
        ("loss.label_smoothing=1.5", "loss.label_smoothing = 1.5 is not allowed.*less than 1"),
        ("loss.label_smoothing=abc", "loss.label_smoothing = abc"),
        ("train.batch_size=0", "train.batch_size = 0"),
        ("train.batch_size=2.5", "train.batch_size = 2.5"),
        ("ablation=[rmspro]", "Did you mean rmsprop"),
        ("+data.jitter.blur=1", "unknown setting 'data.jitter.blur'"),
        ("++optim={name: momentum, lr: 1}", "optim.lr"),
        ("~train.batch_size", "train.batch_size"),
        ("optim.name=rmsprop", "optim.name follows from the option: write optim=NAME"),
        ("data.jitter.size=[0.7,0.3]", "low end comes first"),
        ("seed=-1", "seed = -1"),
        ("table=inception_v3", "unknown setting 'table'"),
        ("a=[b", "cannot read"),
    ],
)
def test_what_is_wrong_is_named(override, message):
    with pytest.raises(RequestError, match=f"(?s){message}"):
        config(override)


def test_a_group_on_the_command_line_wins_over_the_scale():
    assert config("schedule=constant").schedule.name == "constant"
    assert config("data=digits").data.name == "digits"
    assert config("arch=inception_v3").arch.pixels == config().arch.pixels == 79


def test_a_checkpoint_is_never_chosen_on_the_images_that_are_reported():
    with pytest.raises(RequestError, match=r"keep_best = true chooses .* on the dev split, and data.eval_split = dev"):
        config("train.keep_best=true", "data.eval_split=dev")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_network_survives_the_default_scale(name):
    """No map vanishes, and no kernel sees mostly padding."""
    made = plan(config(f"arch={name}"))
    assert str(made.cost.out) == "1x1x10"
    assert [warning for warning in made.warnings if "padding" in warning] == []


@pytest.mark.parametrize("scale", ["cifar10", "imagefolder", "imagenet", "tiny_imagenet"])
def test_every_network_survives_every_other_scale(scale):
    for name in ARCHITECTURES:
        made = config(f"arch={name}", f"scale={scale}", "data.root=nowhere")
        pixels = made.arch.pixels
        assert str(cost(made.arch.spec(10), (pixels, pixels)).out) == "1x1x10"


def test_an_experiment_replaces_the_scale():
    assert config("experiment=rethinking_v3").train.batch_size == 1600


@pytest.fixture(scope="module")
def switches():
    """What each switch changes by itself."""
    base = flatten(compose("train", BASE))
    return {name: changed(base, name) for name in groups("train")["ablation"]}


BASE = ["arch=googlenet", "scale=imagenet"]  # has auxiliary heads, and leaves every switch something to change


def changed(base, *names):
    now = flatten(compose("train", [*BASE, f"ablation=[{','.join(names)}]"]))
    return {key: value for key, value in now.items() if base.get(key) != value}


def agree(one, two):
    return all(one[key] == two[key] for key in one.keys() & two.keys())


def covering(switches):
    """Sets of switches that agree with one another, in which every pair that agrees stands together at least once."""
    pairs = {pair for pair in combinations(switches, 2) if agree(switches[pair[0]], switches[pair[1]])}
    while pairs:
        group_choices = list(min(pairs))
        for name in switches:
            if name not in group_choices and all(agree(switches[name], switches[other]) for other in group_choices):
                group_choices.append(name)
        yield group_choices
        fresh = {pair for pair in pairs if not set(pair) <= set(group_choices)}
        assert len(fresh) < len(pairs)
        pairs = fresh


@pytest.mark.slow
def test_every_pair_of_switches_gives_the_union_of_their_differences(switches):
    """Many pairs at a time: if a set of switches, in either order, gives the union of what each does, so do any two of
    it. Pairs that disagree about a setting are refused (below)."""
    base = flatten(compose("train", BASE))
    sets = list(covering(switches))
    together = {pair for names in sets for pair in combinations(sorted(names), 2)}
    assert len(together) > 800
    for names in sets:
        union = {key: value for name in names for key, value in switches[name].items()}
        for order in (names, names[::-1]):
            assert changed(base, *order) == union


def test_every_switch_changes_something(switches):
    assert [name for name, difference in switches.items() if not difference] == []


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["optim=rmsprop", "ablation=[rmsprop]"], "rmsprop changes nothing"),
        (["optim=momentum", "ablation=[rmsprop]"], "rmsprop changes nothing"),
        (["loss.label_smoothing=0.2", "ablation=[label_smoothing]"], "label_smoothing changes nothing"),
        (["arch=inception_v3", "ablation=[bn_auxiliary]"], "bn_auxiliary changes nothing"),
    ],
)
def test_an_idle_switch_is_refused(overrides, message):
    with pytest.raises(RequestError, match=message):
        Request.compose("train", overrides, composer_for(None))


def test_a_setting_beside_a_switch_goes_on_top_of_it():
    overrides = ["ablation=[rmsprop]", "optim.eps=1e-3"]
    Request.compose("train", overrides, composer_for(None))
    made = config(*overrides).optim
    assert (made.name, made.decay, made.eps) == ("rmsprop", 0.9, 1e-3)


def test_switches_that_disagree_are_refused(tmp_path):
    (tmp_path / "ablation").mkdir()
    (tmp_path / "ablation" / "more_smoothing.yaml").write_text("# @package _global_\nloss: {label_smoothing: 0.2}\n")
    overrides, composer = ["ablation=[label_smoothing,more_smoothing]"], Composer(str(tmp_path))
    with pytest.raises(RequestError, match=r"disagree about loss.label_smoothing: 0.1 and 0.2"):
        Request.compose("train", overrides, composer)


def test_identity_is_what_the_result_depends_on():
    base = identity(config())
    same = ["launch.threads=3", "outputs=elsewhere", "name=other", "tracker=tensorboard", "data.workers=2"]
    same += ["protocol=whole", "augment=slim", "data.renderings=3"]  # how it is evaluated; without effect on digits
    other = ["seed=1", "train.batch_size=16", "arch.width=0.5", "data.eval_split=dev", "ablation=[rmsprop]"]
    assert {identity(config(override)) for override in same} == {base}
    assert len({base, *(identity(config(override)) for override in other)}) == len(other) + 1


def test_identity_does_not_depend_on_how_a_number_is_written():
    assert identity(config("arch.width=1")) == identity(config("arch.width=1.0"))


def test_a_frozen_tree_parses_back_to_itself():
    once = config("ablation=[rmsprop,label_smoothing]", "arch=inception_v3")
    assert parse_frozen(asdict(once)) == once


@pytest.mark.parametrize(
    ("before", "after"),
    [({"in_memory": True}, "memory"), ({"in_memory": False}, "none"), ({}, "none")],
    ids=["in memory", "not in memory", "before both"],
)
def test_a_run_of_before_data_cache_holds_images_as_it_did(before, after):
    once = config("data=imagefolder", "data.root=/images")
    tree = asdict(once)
    tree["data"] = {key: value for key, value in tree["data"].items() if key != "cache"} | before
    found = parse_frozen(tree)
    assert found == replace(once, data=replace(once.data, cache=after))
    assert identity(found) == identity(once)
    assert "cache" not in tree["data"]


@pytest.mark.parametrize("name", ["imagefolder", "list", "packed", "cifar10"])
def test_runs_from_before_images_were_augmented_on_the_device_keep_their_identity(name):
    new = compose("train", [f"data={name}"])
    data = {key: value for key, value in new["data"].items() if key not in ("augment_on", "decode_on")}
    before = parse_frozen({**new, "data": data})
    assert (before.data.augment_on, before.data.decode_on) == ("cpu", "cpu")
    assert identity(before) == identity(parse(new))
    on_device = [f"data={name}", "data.augment_on=device"]
    assert identity(parse(compose("train", on_device))) != identity(before)


def test_a_value_that_data_in_memory_never_had_is_refused():
    tree = asdict(config("data=imagefolder", "data.root=/images"))
    with pytest.raises(RequestError, match=r"data.cache = maybe is not allowed"):
        parse_frozen(tree | {"data": {**tree["data"], "in_memory": "maybe"}})


def test_sweeps_are_taken_apart():
    assert list(sweeps(["seed=0,1", "arch=inception_v3"], multirun=True)) == [
        ["seed=0", "arch=inception_v3"],
        ["seed=1", "arch=inception_v3"],
    ]
    with pytest.raises(RequestError, match="add -m"):
        list(sweeps(["seed=0,1"], multirun=False))
