"""Switches of Xception's separable layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from inceptionctl.models.spec import rules
from inceptionctl.models.spec.nodes import Seq
from inceptionctl.models.zoo.switches.switch import changed, has, switch

if TYPE_CHECKING:  # whoever checks a value has pydantic; `inceptionctl models` does without
    from inceptionctl.settings import Groups

XCEPTION = "it has no separable layers such as Xception's"


@switch
def segments(network: Seq, count: Groups) -> Seq:
    """The number of groups of channels in the spatial step of separable layers (Xception, section 1.1)."""
    reason = f"its separable layers have {count} groups already" if has(network, rules.is_xception_s) else XCEPTION
    return changed(network, rules.segments(count), reason)


@switch
def between(network: Seq, kind: Literal["relu", "elu"]) -> Seq:
    """The activation between the two steps of separable layers (Xception, Figure 10)."""
    reason = "its separable layers have it already" if has(network, rules.is_xception_s) else XCEPTION
    return changed(network, rules.between(kind), reason)


@switch
def pointwise_first(network: Seq, _: bool) -> Seq:
    """The 1x1 of separable layers before the spatial step (Xception, section 1.1)."""
    return changed(network, rules.pointwise_first, XCEPTION)
