"""The trackers by name, a line each; the module of a name defines it, as its class `Settings`."""

from __future__ import annotations

from importlib import import_module

from inceptionctl.trackers.base import TrackerSettings

NAMES = (
    "none",
    "tensorboard",
    "wandb",
)
TRACKERS: dict[str, type[TrackerSettings]] = {
    name: import_module(f"inceptionctl.trackers.{name}").Settings for name in NAMES
}
