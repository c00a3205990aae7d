"""Raises RequestError for settings of `eval` that do not go together, and for those without effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inceptionctl.config.evaluation import NOT_OF_EVALUATIONS, OF_A_RUN, EvalSettings
from inceptionctl.config.keys import matches
from inceptionctl.errors import RequestError
from inceptionctl.files import from_here
from inceptionctl.planning.networks import TrainedNetwork

Typed = Mapping[str, Any]  # the settings that were typed, with their values


def check_typed(settings: EvalSettings, typed: Typed) -> None:
    """Raises RequestError for settings that do not go together, and for those without effect."""
    if not settings.run:
        _check_weights(settings, typed)
        return
    first = f"run={from_here(Path(settings.run[0]))}"
    if settings.weights and settings.weights not in OF_A_RUN:
        raise RequestError(
            f"weights={from_here(Path(settings.weights))}: of {first} there are {', '.join(OF_A_RUN)}\n"
            "  leave run= or weights= out"
        )
    for key in typed:
        if (matches(key, ["arch"]) and key != "arch.pixels") or key == "weights_key":
            raise RequestError(
                f"{key}={typed[key]}: the network of {first} is the one that was trained\n  leave it out"
            )


def _check_weights(settings: EvalSettings, typed: Typed) -> None:
    if not settings.weights or settings.weights in OF_A_RUN:
        given = f"weights={settings.weights} is of a run" if settings.weights else "given: neither"
        raise RequestError(
            f"eval needs run=DIR, or arch=NAME and weights=timm, torchvision or FILE; {given}\n"
            "  runs of yours are listed by `inceptionctl status outputs`"
        )
    if "arch" not in typed:
        raise RequestError(f"weights={settings.weights} needs arch=NAME, the network that the weights are of")
    if not any(matches(key, ["data"]) for key in typed.keys() - {"data.workers"}):
        raise RequestError(
            "eval of bare weights needs images: data.root=DIR with a folder for each class, data.list=FILE, or "
            "data=NAME, such as data=imagenet_val data.root=DIR"
        )


def check_launch_typed(typed: Typed) -> None:
    """Raises RequestError for settings of the launch that an evaluation does not read."""
    for key, about in NOT_OF_EVALUATIONS.items():
        if key in typed:
            raise RequestError(
                f"{key}={typed[key]} has no effect on an evaluation: it is about {about}\n  leave it out"
            )


def check_classes(networks: Sequence[TrainedNetwork]) -> None:
    """Raises RequestError unless all members tell the same classes apart."""
    first, *others = networks
    for other in others:
        if other.class_names != first.class_names:
            raise RequestError(
                f"{first.record.label} and {other.record.label} tell other classes apart: "
                f"{_odd(first.class_names, other.class_names)}\n  an ensemble has one list of classes"
            )


def _odd(one: Sequence[str], other: Sequence[str]) -> str:
    if len(one) != len(other):
        return f"{len(one):,} and {len(other):,} of them"
    at = next(k for k, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)
    return f"class {at} is {one[at]} and {other[at]}"
