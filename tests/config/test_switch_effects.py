"""A switch of `ablation=[...]`, or a structural setting that was typed, has an effect on the network or is refused."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from support.runs import launched

from inceptionctl.config.compose import compose, composer_for, groups
from inceptionctl.config.idle import check_idle, effective_settings
from inceptionctl.config.keys import flatten, matches
from inceptionctl.config.overrides import flatten_overrides
from inceptionctl.config.switches import check_effect, check_switches
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
from inceptionctl.models.settings import with_network_facts
from inceptionctl.models.spec.nodes import Conv, Linear, Sep
from inceptionctl.models.spec.walk import walk
from inceptionctl.models.zoo.registry import ARCHITECTURES, architecture

SWITCHES = groups("train")["ablation"]
FEW = ["inception_v2", "vgg16", "xception", "googlenet"]
BUILT = ("arch", "name")  # the network shows what these do


def merged(tree, flat):
    """`tree` with the values of `flat`, by key."""
    tree = dict(tree)
    for key, value in flat.items():
        section, _, rest = key.partition(".")
        tree[section] = merged(tree[section], {rest: value}) if rest else value
    return tree


def effect(config):
    """The network, the scheme of its initial weights, and the settings that have an effect."""
    arch, spec = config.arch, config.arch.spec(classes=10)
    stated = [path for path, node in walk(spec) if isinstance(node, Conv | Linear | Sep) and node.init is not None]
    scheme = (architecture(arch.name).init, stated) if arch.init == "release" else (arch.init, [])
    others = {key: value for key, value in effective_settings(config).items() if not matches(key, BUILT)}
    return spec, scheme, arch.pixels, arch.dropout, others


def outcome(tree, switch, composer):
    """Why the switch is refused; None if it is taken."""
    sets = composer.settings_in("ablation", switch)
    after = merged(tree, sets)
    if flatten(with_network_facts(after)) == flatten(with_network_facts(tree)):
        return "changes nothing"
    try:
        check_effect(switch, sets, parse(after))
    except RequestError as error:
        return str(error)
    return None if effect(parse(after)) != effect(parse(tree)) else "IN SECRET"


def check_all(names, switches):
    composer, secret = composer_for(None), []
    for name in names:
        tree = compose("train", [f"arch={name}", "tuned=none"])
        secret += [(name, switch) for switch in switches if outcome(tree, switch, composer) == "IN SECRET"]
    assert secret == []


def test_every_switch_has_an_effect_or_is_refused():
    check_all(FEW, [switch for switch in SWITCHES if switch != "rmsprop"])  # which is an option of another group


@pytest.mark.slow
def test_every_switch_on_every_network():
    check_all(ARCHITECTURES, [switch for switch in SWITCHES if switch != "rmsprop"])


def refused(switch):
    composer = composer_for(None)
    trees = {name: compose("train", [f"arch={name}", "tuned=none"]) for name in ARCHITECTURES}
    return sum(outcome(tree, switch, composer) is not None for tree in trees.values())


@pytest.mark.slow
@pytest.mark.parametrize(("switch", "networks"), [("bn_auxiliary", 21), ("init_he", 18), ("double_width", 0)])
def test_on_how_many_networks_a_switch_is_refused(switch, networks):
    assert refused(switch) == networks


REFUSED = [
    (["arch=xception", "ablation=[bn_auxiliary]"], "ablation=bn_auxiliary has no effect: the network has no auxiliary"),
    (["arch=inception_v3", "ablation=[bn_auxiliary]"], "changes nothing here: arch.aux.norm = true is so without it"),
    (["arch=resnet50", "ablation=[init_he]"], "ablation=init_he has no effect: the initial weights of resnet50 are he"),
    (
        ["arch=vgg16", "ablation=[non_residual]"],
        "ablation=non_residual: arch.rewrites.non_residual = true does not fit",
    ),
    (["ablation=[label_smoothing]", "loss.label_smoothing=0.2"], "loss.label_smoothing = 0.2 was set beside it"),
    (["arch.aux.head=false", "ablation=[bn_auxiliary]"], "has no effect: the network has no auxiliary heads"),
    (["ablation=[no_auxiliary,bn_auxiliary]"], "ablation=bn_auxiliary has no effect"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_a_switch_without_effect_is_refused_with_its_reason(words, message):
    with pytest.raises(RequestError) as refusal:
        check_switches(composer_for(None), words, compose("train", words))
    assert message in str(refusal.value)


TYPED = [
    (["arch=resnet50", "arch.init=he"], "the initial weights of resnet50 are he already"),
    (["arch=vgg16", "arch.rewrites.stem_pools=1"], "vgg16 stays as it is: its stem has no more pools"),
    (["arch.rewrites.stem_pools=2"], "its stem has no more pools than that"),
    (["arch=nin", "arch.rewrites.blocks=0.4"], "nin stays as it is: it has no modules to leave out"),
    (["arch.rewrites.blocks=[3,4,2]"], "it has no modules to leave out"),
]


@pytest.mark.parametrize(("words", "message"), TYPED, ids=[" ".join(words) for words, _ in TYPED])
def test_a_typed_setting_that_leaves_the_network_as_it_is(words, message):
    config = parse(compose("train", words))
    with pytest.raises(RequestError, match="has no effect") as refusal:
        check_idle([config], flatten_overrides(words))
    assert message in str(refusal.value)


def test_what_comes_with_a_scale_is_passed_over():
    words = ["arch=vgg16"]
    check_idle([parse(compose("train", words))], flatten_overrides(words))
    words += ["arch.rewrites.blocks=null", "arch.init=release"]
    check_idle([parse(compose("train", words))], flatten_overrides(words))


def test_a_switch_without_effect_on_any_row_of_a_table_is_refused():
    code, said = launched("ablate", "table=rmsprop", "seeds=1", "ablation=[init_he,plain_auxiliary]", "--dry-run")
    assert code == 2
    assert "ablation=plain_auxiliary changes nothing here" in said


def test_an_added_rewrite_is_no_part_of_the_identity_unless_it_is_set():
    frozen = asdict(parse(compose("train", [])))
    del frozen["arch"]["rewrites"]["double_width"]  # as a run before it has it
    assert with_network_facts(frozen)["arch"]["rewrites"]["double_width"] is False
