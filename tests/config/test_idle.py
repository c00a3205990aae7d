"""A setting without effect is no part of the identity, and refused where somebody typed it."""

from __future__ import annotations

import pytest

from inceptionctl.config.compose import compose
from inceptionctl.config.identity import identity
from inceptionctl.config.idle import check_idle
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError

FOLDER = ["data=imagefolder", "data.root=nowhere"]


def config(*overrides):
    return parse(compose("train", overrides))


# What is idle, and beside what: every rule once.
IDLE = [
    ("augment.area", ["augment=slim"], {"augment.area": [0.1, 1]}),
    ("augment", ["augment=slim"], {"augment": "slim"}),
    ("schedule.lr_scaling", [], {"schedule.lr_scaling": "sqrt"}),
    ("arch.aux.norm", ["arch.aux.head=false"], {"arch.aux.norm": True}),
    ("loss.aux_weight", ["arch.aux.head=false"], {"loss.aux_weight": 0.4}),
    ("loss.smooth_aux", [], {"loss.smooth_aux": False}),
    ("train.monitor", ["train.keep_best=true"], {"train.monitor": 7}),
    ("train.monitor_epochs", ["train.keep_best=true"], {"train.monitor_epochs": 0.25}),
    ("train.bn_batch_size", ["arch=vgg16"], {"train.bn_batch_size": 8}),
    ("arch.bn_eps", ["arch=vgg16"], {"arch": {"bn_eps": 1e-5}}),
    ("train.ema.buffers", ["arch=vgg16"], {"train.ema": {"buffers": "copied"}}),
]


@pytest.mark.parametrize(("key", "beside", "typed"), IDLE, ids=[key for key, *_ in IDLE])
def test_an_idle_setting_that_was_typed_is_refused(key, beside, typed):
    with pytest.raises(RequestError, match=f"^{key}=.* has no effect: .*\n  leave it out$"):
        check_idle([config(*beside)], typed)


@pytest.mark.parametrize(
    ("overrides", "typed"),
    [
        (FOLDER, {"augment.area": [0.1, 1]}),
        ([], {"protocol.crop": 0.5}),
        (["schedule=paper"], {"schedule.lr_scaling": "sqrt"}),
        (["loss=label_smoothing"], {"loss.smooth_aux": False, "loss.aux_weight": 0.4, "train.monitor": 7}),
        (["arch=vgg16", "ablation=[batch_norm]"], {"train.bn_batch_size": 8}),
        (["arch=vgg16"], {"train.bn_batch_size": None, "augment": "none"}),
        (["arch.aux.head=false"], {"loss.aux_weight": 0}),
        (["arch.aux.at=[]"], {"arch.aux.at": []}),
        (["arch.aux.head=false"], {"loss": "label_smoothing"}),
    ],
)
def test_what_has_an_effect_or_says_what_is_the_case_is_taken(overrides, typed):
    check_idle([config(*overrides)], typed)


def test_what_a_scale_brings_along_is_passed_over_and_not_hashed():
    """The augmentation of scale=imagenet has no effect on digits."""
    brought, plain = config("scale=imagenet", "data=digits"), config("scale=imagenet", "data=digits", "augment=none")
    assert brought.augment.name == "inception_crop"
    assert identity(brought) == identity(plain)


def test_an_override_of_a_table_is_refused_if_no_row_takes_it():
    vgg, resnet = config("arch=vgg16"), config("arch=resnet50")
    check_idle([vgg, resnet], {"train.bn_batch_size": 8})
    with pytest.raises(RequestError, match="has no effect: vgg16 has no batch norm"):
        check_idle([vgg, config("arch=nin")], {"train.bn_batch_size": 8})
