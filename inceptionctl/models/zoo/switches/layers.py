"""Switches of what stands beside convolutions: normalisation and activation."""

from __future__ import annotations

from typing import Literal

from inceptionctl.models.spec import rules
from inceptionctl.models.spec.nodes import LRN, Linear, Node, Norm, Res, Seq
from inceptionctl.models.spec.rewrite import after, rewrite, swap
from inceptionctl.models.spec.walk import leaves
from inceptionctl.models.zoo.googlenet import STEM, STEM_LRN
from inceptionctl.models.zoo.switches.stem import stem_of
from inceptionctl.models.zoo.switches.switch import Refused, changed, has, switch


@switch
def lrn(network: Seq, change: Literal["added", "dropped"]) -> Seq:
    """Local response normalisation where GoogLeNet has it (Figure 3)."""
    has_lrn = any(isinstance(leaf, LRN) for leaf in leaves(network))
    if change == "dropped":
        return changed(network, rules.drop_lrn, "it has no local response normalisation")
    if has_lrn:
        raise Refused("it has local response normalisation already")
    stem = stem_of(network)
    if rewrite(swap(stem, conv_1a=STEM["conv_1a"]), rules.batch_norm("full")) != STEM:
        raise Refused("its stem is not GoogLeNet's, which alone has known places for local response normalisation")
    stem = after(stem, "pool_1", "lrn_1", STEM_LRN["lrn_1"])
    return swap(network, stem=after(stem, "conv_2c", "lrn_2", STEM_LRN["lrn_2"]))


@switch
def batch_norm(network: Seq, kind: Literal["full", "shift", "none"]) -> Seq:
    """Batch norm on every convolution: scale and shift, shift only, or none and biases instead."""
    norms: dict[str, Norm] = {"full": "full", "shift": "shift", "none": None}
    reason = "it has no batch norm" if kind == "none" else "its batch norm is like that already"
    return changed(network, rules.batch_norm(norms[kind]), reason)


@switch
def activation(network: Seq, kind: Literal["sigmoid"]) -> Seq:
    """The activation for every ReLU (Batch Normalization, section 4.2.2: sigmoid)."""
    if has(network, _ends_in_relu):
        raise Refused("the ReLU after a residual sum, or after a fully connected layer, has no other form")
    return changed(network, rules.activation(kind), "it has no ReLU")


def _ends_in_relu(node: Node) -> bool:
    return isinstance(node, Linear | Res) and node.relu
