"""The trackers by name, a line each."""

from __future__ import annotations

from inceptionctl.trackers import none, tensorboard, wandb
from inceptionctl.trackers.base import TrackerSettings

TRACKERS: dict[str, type[TrackerSettings]] = {
    "none": none.Settings,
    "tensorboard": tensorboard.Settings,
    "wandb": wandb.Settings,
}
