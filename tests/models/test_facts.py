"""The facts of every network, stated once, against the settings that they replaced; null settings take them."""

from __future__ import annotations

from functools import cache

import pytest

from inceptionctl.config.compose import compose, composer_for, groups
from inceptionctl.config.hydra_main import Request
from inceptionctl.config.keys import settings_of
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
from inceptionctl.models.settings import NO_REWRITES
from inceptionctl.models.zoo.registry import ARCHITECTURES, network
from inceptionctl.planning.plan import plan

GOOGLENET = ["inception_4a", "inception_4d"]
# pixels, input, epsilon of batch norm, dropout, stages of the auxiliary heads, batch norm on their fully connected
# layer, their weight: as conf/arch/NAME.yaml had them, and each network's spec where those files said null.
FACTS = {
    "googlenet": (224, "inception", 1e-3, 0.4, GOOGLENET, False, 0.3),
    "bn_googlenet": (224, "inception", 1e-3, 0.4, GOOGLENET, False, 0.3),
    "googlenet_bn": (224, "inception", 1e-3, 0.2, GOOGLENET, False, 0.3),
    "bn_inception": (224, "inception", 1e-3, 0.2, [], False, 0),
    "bn_inception_128": (224, "inception", 1e-3, 0.2, [], False, 0),
    "inception_v2": (299, "inception", 1e-3, 0.2, ["mixed_6e"], False, 0.4),
    "inception_v2_table1": (299, "inception", 1e-3, 0.2, ["mixed_6e"], True, 0.4),
    "inception_v3": (299, "inception", 1e-3, 0.2, ["mixed_6e"], True, 0.4),
    "inception_v4": (299, "inception", 1e-3, 0.2, ["inception_b7"], True, 0.4),
    "inception_resnet_v1": (299, "inception", 1e-3, 0.2, [], True, 0),
    "inception_resnet_v1_plain": (299, "inception", 1e-3, 0.2, [], True, 0),
    "inception_resnet_v2": (299, "inception", 1e-3, 0.2, ["block_b20"], True, 0.4),
    "inception_resnet_v2_plain": (299, "inception", 1e-3, 0.2, ["block_b20"], True, 0.4),
    "inception_resnet_v2_paper": (299, "inception", 1e-3, 0.2, [], True, 0),
    "inception_resnet_v2_paper_plain": (299, "inception", 1e-3, 0.2, [], True, 0),
    "xception": (299, "inception", 1e-3, 0.5, [], False, 0),
    "xception_plain": (299, "inception", 1e-3, 0.5, [], False, 0),
    "alexnet": (224, "imagenet", 1e-3, 0.5, [], False, 0),
    "vgg16": (224, "imagenet", 1e-5, 0.5, [], False, 0),
    "vgg19": (224, "imagenet", 1e-5, 0.5, [], False, 0),
    "resnet50": (224, "imagenet", 1e-5, 0, [], False, 0),
    "resnet101": (224, "imagenet", 1e-5, 0, [], False, 0),
    "resnet152": (224, "imagenet", 1e-5, 0, [], False, 0),
    "mobilenet_v1": (224, "inception", 1e-5, 0, [], False, 0),
    "nin": (224, "inception", 1e-3, 0.5, [], False, 0),
}


@cache
def config(*overrides):
    return parse(compose("train", [*overrides, "scale=imagenet"]))


def test_every_network_has_its_file_of_settings_and_its_facts():
    assert set(groups("train")["arch"]) == set(ARCHITECTURES) == set(FACTS)


@pytest.mark.parametrize("name", FACTS)
def test_the_facts_of_a_network(name):
    found = config(f"arch={name}")
    arch, aux = found.arch, found.arch.aux
    facts = (arch.pixels, arch.input, arch.bn_eps, arch.dropout, aux.at, aux.norm, found.loss.aux_weight)
    assert facts == FACTS[name]
    assert aux.head == bool(aux.at)
    assert arch.bn_momentum == 0.1


@pytest.mark.parametrize("name", FACTS)
def test_a_network_by_its_facts_is_the_network(name):
    _, _, _, dropout, at, norm, _ = FACTS[name]
    assert network(name, head=bool(at), at=at, norm=norm, dropout=dropout) == network(name)


def test_what_is_typed_wins_and_the_rest_follows_it():
    assert config("arch=inception_v3", "arch.pixels=151").arch.pixels == 151
    without = config("arch=inception_v3", "arch.aux.head=false")
    assert (without.arch.aux.head, without.loss.aux_weight) == (False, 0.0)
    added = config("arch=inception_resnet_v1", "arch.aux.at=[block_b10]")
    assert (added.arch.aux.head, added.loss.aux_weight) == (True, 0.4)
    assert not config("arch=inception_v4", "arch.rewrites.batch_norm=none").arch.aux.norm


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["arch=resnet50", "arch.aux.head=true"], "resnet50 has no auxiliary heads of its own"),
        (["arch=resnet50", "arch.aux.at=[layer_1_1]"], "neither paper nor release of resnet50 has an auxiliary head"),
        (["arch=xception", "arch.rewrites.segments=true"], "arch.rewrites.segments = true is not allowed"),
        (["arch=xception", "arch.rewrites.segments=0"], "arch.rewrites.segments = 0 is not allowed"),
        (["arch.rewrites.blocks=1.5"], "arch.rewrites.blocks"),
        (["arch.name=inception_v5"], "arch.name follows from the option: write arch=NAME"),
        (["~arch.pixels"], "arch.pixels"),
        (["~arch.aux"], "arch.aux"),
    ],
    ids=str,
)
def test_what_a_network_cannot_have_is_refused(overrides, message):
    with pytest.raises(RequestError, match=message):
        plan(parse(compose("train", overrides)))


def test_a_switch_to_what_the_network_has_changes_nothing():
    with pytest.raises(RequestError, match="bn_auxiliary changes nothing"):
        Request.compose("train", ["arch=inception_v4", "ablation=[bn_auxiliary]"], composer_for(None))
    with pytest.raises(RequestError, match="no_dropout changes nothing"):
        Request.compose("train", ["arch=resnet50", "ablation=[no_dropout]"], composer_for(None))


def test_every_switch_is_a_documented_setting():
    assert compose("train", [])["arch"]["rewrites"].keys() == NO_REWRITES.keys()
    documented = {setting.key: setting.docs for setting in settings_of()}
    assert all(documented[f"arch.rewrites.{name}"] for name in NO_REWRITES)
