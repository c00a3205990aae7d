"""Networks that somebody writes: what no input can mend is told before training."""

from __future__ import annotations

import pytest

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
from inceptionctl.models.spec.nodes import Cat, Linear, Res, Seq, conv, global_pool
from inceptionctl.models.zoo.architecture import Architecture
from inceptionctl.models.zoo.registry import ARCHITECTURES
from inceptionctl.planning.plan import plan


def with_block(classes):
    return Seq.of(
        conv_1=conv(64, 3, 2),
        mixed_2=Res.of(body=Cat.of(a=conv(64), b=conv(64))),
        pool=global_pool(112),
        logits=Linear(classes),
    )


def without_classifier(_):
    return Seq.of(conv_1=conv(64, 3, 2), pool=global_pool(112))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (with_block, r"^the residual of mixed_2 is 112x112x128, its shortcut 112x112x64$"),
        (without_classifier, r"^arch = nin ends in a map of 1x1x16, and there are 10 classes\n.*Linear\(classes\)"),
    ],
    ids=["channels", "no classifier"],
)
def test_a_network_that_fits_no_input_or_no_classes_is_refused(spec, message, monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "nin", Architecture(spec=spec, pixels=224, about="mine"))
    with pytest.raises(RequestError, match=message):
        plan(parse(compose("train", ["arch=nin"])))
