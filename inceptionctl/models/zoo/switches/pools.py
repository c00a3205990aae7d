"""Switches of average pools, and of the fully connected layers behind the last."""

from __future__ import annotations

from typing import Literal

from inceptionctl.models.spec import rules
from inceptionctl.models.spec.nodes import Linear, Pool, Seq
from inceptionctl.models.spec.rewrite import after, fit_residuals, swap
from inceptionctl.models.spec.walk import leaves
from inceptionctl.models.zoo.switches.switch import Refused, changed, switch


@switch
def count_padding(network: Seq, change: Literal["counted", "left_out"]) -> Seq:
    """Whether average pools count their padding, as torchvision's do, or not, as TF-slim's."""
    return changed(network, rules.count_padding(change == "counted"), "it has no average pools that do otherwise")


@switch
def fully_connected(network: Seq, _: bool) -> Seq:
    """For global average pooling a hidden layer over the last map, as wide as the map has channels (GoogLeNet,
    section 5, which does not print the one that it compares with: a reading)."""
    pool = network["pool"]
    if not (isinstance(pool, Pool) and pool.global_) or not isinstance(network["logits"], Linear):
        raise Refused("it does not end in global average pooling and a linear layer")
    before = network.children[: [name for name, _ in network].index("pool")]
    return swap(network, pool=Linear(fit_residuals(Seq(before))[1], relu=True))


@switch
def fc_layers(network: Seq, _: bool) -> Seq:
    """Two hidden layers of 4096 before the classifier (Xception, section 4.3, in some runs on JFT)."""
    if not any(map(rules.is_xception_s, leaves(network))):
        raise Refused("these layers are Xception's (arch=xception)")
    return after(after(network, "pool", "fc_1", Linear(4096, relu=True)), "fc_1", "fc_2", Linear(4096, relu=True))
