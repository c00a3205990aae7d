"""Trained networks in evaluation mode: those of runs and those of files of weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from inceptionctl.config.schema import Config
from inceptionctl.errors import CheckpointError, RequestError, warn
from inceptionctl.files import for_shell
from inceptionctl.models.torch.build import build
from inceptionctl.models.torch.classifier import Classifier
from inceptionctl.models.weights.load import load_opened
from inceptionctl.models.weights.open import OpenWeights
from inceptionctl.runs.paths import RunDir
from inceptionctl.training import checkpoint
from inceptionctl.training.checkpoint import Checkpoint
from inceptionctl.training.checkpoint_folder import step_folder

PARTS = {"ema": "ema", "raw": "model"}  # of a checkpoint, by the names of weights in records
BEST = "best-"


@dataclass(frozen=True)
class Place:
    """Where a network computes, and how its tensors are laid out."""

    device: torch.device
    memory_format: torch.memory_format = torch.channels_last


def any_place() -> Place:
    return Place(torch.device("cuda" if torch.cuda.is_available() else "cpu"))


def network_of_run(run: RunDir, config: Config, weights: str, place: Place | None = None) -> tuple[Classifier, int]:
    """The network of `config` with the `weights` of `run`, and its number of classes: ema or raw, of the last
    checkpoint, or best-ema or best-raw, of the one that was chosen on the dev split. Raises RequestError and
    CheckpointError."""
    tensors = checkpoint_with(run, weights).tensors[PARTS[weights.removeprefix(BEST)]]
    (n_classes,) = {len(t) for name, t in tensors.items() if name.startswith("logits.") and name.endswith(".weight")}
    model = _build(config, n_classes, place or any_place())
    model.load_state_dict(tensors)
    return model, n_classes


def checkpoint_with(run: RunDir, weights: str) -> Checkpoint:
    """The checkpoint that has the weights of this name."""
    latest = checkpoint.read_latest(run.checkpoints, warn)
    if latest is None:
        raise RequestError(
            f"{run.path} has no checkpoint yet: train it on with `inceptionctl resume {for_shell(run.path)}`"
        )
    if not weights.startswith(BEST):
        return latest
    best = latest.state["progress"]["best"]
    if best is None:
        raise CheckpointError(f"{run.path} has no weights {weights}: no checkpoint was chosen on a dev split")
    return checkpoint.read(step_folder(run.checkpoints, best[0]))


def network_of_weights(config: Config, weights: OpenWeights, n_classes: int, place: Place | None = None) -> Classifier:
    """The network of `config` with opened weights for this number of classes."""
    model = _build(config, n_classes, place or any_place())
    load_opened(model, weights)
    return model


def _build(config: Config, n_classes: int, place: Place) -> Classifier:
    arch = config.arch
    spec, size = arch.spec(n_classes), (arch.pixels, arch.pixels)
    model = build(spec, size, bn_momentum=arch.bn_momentum, bn_eps=arch.bn_eps).eval()
    return model.to(device=place.device, memory_format=place.memory_format)  # type: ignore[call-overload, no-any-return]
