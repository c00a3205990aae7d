"""The section `tracker`: the trackers of a run by name, any number of them; a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from inceptionctl.settings import section
from inceptionctl.trackers.base import TrackerSettings
from inceptionctl.trackers.tensorboard import Settings as TensorBoard
from inceptionctl.trackers.trackio import Settings as Trackio
from inceptionctl.trackers.wandb import Settings as WeightsAndBiases


@section
class Trackers:
    """Each has its settings below its name; metrics.jsonl is written in any case."""

    tensorboard: TensorBoard | None = None
    wandb: WeightsAndBiases | None = None
    trackio: Trackio | None = None

    @property
    def chosen(self) -> dict[str, TrackerSettings]:
        return {name: found for name in NAMES if (found := getattr(self, name)) is not None}


NAMES = tuple(field.name for field in fields(Trackers))


def with_trackers_by_name(tree: Mapping[str, Any]) -> dict[str, Any]:
    """`tree` with the tracker of an older run, {name: wandb, mode: ...}, below its name, as they are kept now."""
    trackers = tree.get("tracker")
    if not isinstance(trackers, Mapping) or "name" not in trackers:
        return dict(tree)
    name = trackers["name"]
    return {**tree, "tracker": {} if name == "none" else {name: trackers}}
