"""The settings of a network, `arch.*`, and the network's own values for those that are null."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal, get_origin, get_type_hints

from pydantic import AfterValidator, BeforeValidator, Field

from inceptionctl import settings
from inceptionctl.models.spec.nodes import Seq
from inceptionctl.models.weights.releases import LIBRARIES
from inceptionctl.models.zoo.registry import architecture, network
from inceptionctl.models.zoo.switches import SWITCHES, Switch
from inceptionctl.settings import Finite, Flag, Fraction, Integer, Positive, Share, TakenAsTyped, absolute, section

MAX_PIXELS = 4096


def _value_type(switch: Switch) -> Any:  # noqa: ANN401  a type expression, such as `bool` or `Literal["relu", "elu"]`
    hints = get_type_hints(switch, localns=vars(settings), include_extras=True)
    return list(hints.values())[1]


def _exact(kind: Any) -> Any:  # noqa: ANN401  type expressions
    """A Literal of numbers would take true for 1, and 1.0."""
    return Annotated[kind, BeforeValidator(_whole_or_text)] if get_origin(kind) is Literal else kind


def _whole_or_text(value: object) -> object:
    if isinstance(value, bool | float):
        raise ValueError("it should be a whole number")
    return value


def _rewrites() -> Any:  # noqa: ANN401  a class
    """The section of the structural switches, applied in this order; null and false change nothing."""
    fields: dict[str, Any] = {}
    for name, switch in SWITCHES.items():
        kind = _value_type(switch)
        kind = Flag if kind is bool else _exact(kind) | None
        fields[name] = Annotated[kind, Field(description=switch.__doc__)]
    return section(type("Rewrites", (), {"__doc__": _rewrites.__doc__, "__annotations__": fields}))


Rewrites: Any = _rewrites()
# The values that leave a network alone.
NO_REWRITES = {name: False if _value_type(switch) is bool else None for name, switch in SWITCHES.items()}
# Switches that came after runs were kept: their settings do not have them.
ADDED_REWRITES = {"double_width": False, "activation": None}


def as_release_or_file(weights: str) -> str:
    """The name of a release as it is; a path in full."""
    return weights if weights.partition(":")[0] in LIBRARIES else absolute(weights)


WeightsSource = Annotated[str, Field(min_length=1), AfterValidator(as_release_or_file), TakenAsTyped()]


@section
class Aux:
    """The auxiliary heads of a network; `loss.aux_weight` is their weight."""

    head: Flag
    """Whether there are any; null: whether there are stages in `at`."""
    at: list[str]
    """The stages behind which they stand, such as [mixed_6e]; null: those of the paper or release."""
    norm: Flag
    """Batch norm on their fully connected layer; null: as in the paper or release."""


@section
class Arch:
    """A network of `inceptionctl models`; null takes the value of its paper or release."""

    name: str
    """The network, by its name in `inceptionctl models`."""
    pixels: Annotated[Integer, Field(ge=1, le=MAX_PIXELS)]
    """The side of the square input, in pixels."""
    width: Annotated[Finite, Field(gt=0, le=16)]
    """A factor on the filters of every layer."""
    input: Literal["inception", "imagenet", "caffe"]
    """The normalisation of the input: to [-1, 1], by ImageNet's mean and deviation, or BGR with the mean subtracted."""
    init: Literal["release", "he", "truncated_normal", "xavier"]
    """The initial weights; release: those of the paper or release, or the usual where neither states them."""
    dropout: Share
    """The dropout rate before the classifier."""
    bn_momentum: Fraction
    """The weight of the newest batch in batch norm's running statistics."""
    bn_eps: Positive
    """The epsilon of batch norm."""
    aux: Aux
    rewrites: Rewrites

    def spec(self, classes: int) -> Seq:
        """The network with this many classes. Raises RequestError for settings that do not fit it."""
        return network(
            self.name,
            classes,
            head=self.aux.head,
            at=self.aux.at,
            norm=self.aux.norm,
            dropout=self.dropout,
            width=self.width,
            rewrites=asdict(self.rewrites),
        )


def with_network_facts(tree: Mapping[str, Any]) -> dict[str, Any]:
    """`tree` with the network's own value for every null of `arch`, and for `loss.aux_weight` that of its heads.

    What is missing stays missing. Raises RequestError for an unknown network.
    """
    arch, loss = (dict(tree.get(key) or {}) for key in ("arch", "loss"))
    if not isinstance(name := arch.get("name"), str):
        return dict(tree)
    entry = architecture(name)
    arch = _filled(arch, {key: getattr(entry, key) for key in ("pixels", "input", "bn_eps", "dropout")})
    if isinstance(arch.get("rewrites"), Mapping):
        arch["rewrites"] = ADDED_REWRITES | arch["rewrites"]
    without_norm = (arch.get("rewrites") or {}).get("batch_norm") == "none"
    aux = _filled(arch.get("aux") or {}, {"at": entry.aux_at, "norm": entry.aux_norm and not without_norm})
    aux = _filled(aux, {"head": bool(aux.get("at"))})
    loss = _filled(loss, {"aux_weight": entry.aux_weight if aux.get("head") else 0.0})
    sections = {"arch": arch | {"aux": aux}, "loss": loss}
    return {key: sections.get(key, value) for key, value in tree.items()}


def _filled(section: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {key: own.get(key) if value is None else value for key, value in section.items()}
