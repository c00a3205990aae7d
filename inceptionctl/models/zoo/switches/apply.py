"""Applies the switches that are set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inceptionctl.errors import RequestError
from inceptionctl.models.spec.nodes import Seq
from inceptionctl.models.zoo.architecture import Blocks
from inceptionctl.models.zoo.switches.size import SIZES, blocks
from inceptionctl.models.zoo.switches.switch import SWITCHES, Refused


def apply(network: Seq, rewrites: Mapping[str, Any], of: Blocks, name: str = "this network") -> Seq:
    """Applies the switches that are set, but for double_width, which follows arch.width; `of`: the repeated modules of
    the network called `name`. Raises RequestError for a misfit."""
    for key, change in SWITCHES.items():
        value = rewrites.get(key)
        if value is None or value is False or key == "double_width":
            continue
        try:
            changed = blocks(network, value, of) if key == "blocks" else change(network, value)
            if changed == network and key not in SIZES:
                raise Refused("it is like that already")
        except Refused as reason:
            shown = "true" if value is True else value
            raise RequestError(f"arch.rewrites.{key} = {shown} does not fit {name}: {reason}") from None
        network = changed
    return network
