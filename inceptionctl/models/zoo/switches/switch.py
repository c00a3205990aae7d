"""What a switch is: one function under the decorator `switch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from inceptionctl.errors import RequestError
from inceptionctl.models.spec.nodes import Node, Seq
from inceptionctl.models.spec.rewrite import Rule, rewritten
from inceptionctl.models.spec.walk import walk

Switch = Callable[[Seq, Any], Seq]
S = TypeVar("S", bound=Callable[..., Seq])
SWITCHES: dict[str, Switch] = {}


class Refused(RequestError):
    """A switch that does not fit the network; the message is the reason."""


def switch(change: S) -> S:
    SWITCHES[change.__name__] = change
    return change


def has(network: Seq, wanted: Callable[[Node], bool]) -> bool:
    return any(wanted(node) for _, node in walk(network))


def changed(network: Seq, rule: Rule, reason: str) -> Seq:
    """`rule` applied everywhere. Raises Refused, for `reason`, where that changes nothing."""
    found = rewritten(network, rule)
    if found == network:
        raise Refused(reason)
    return found
