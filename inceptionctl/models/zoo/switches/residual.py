"""Switches of residual blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inceptionctl.models.spec import rules
from inceptionctl.models.spec.nodes import Node, Res, Seq
from inceptionctl.models.zoo.switches.switch import changed, has, switch

if TYPE_CHECKING:  # whoever checks a value has pydantic; `inceptionctl models` does without
    from inceptionctl.settings import Fraction

RESIDUAL = "it has no residual blocks"


@switch
def non_residual(network: Seq, _: bool) -> Seq:
    """Residual blocks without their shortcuts (Inception-v4 paper; Xception, Figure 9)."""
    return changed(network, rules.non_residual, RESIDUAL)


@switch
def residual_scale(network: Seq, scale: Fraction) -> Seq:
    """The factor on every residual (Inception-v4 paper, section 3.3: 0.1 to 0.3, or none, which is 1)."""
    reason = f"its residuals have the factor {scale:g} already" if has(network, is_residual) else RESIDUAL
    return changed(network, rules.residual_scale(scale), reason)


def is_residual(node: Node) -> bool:
    return isinstance(node, Res)
