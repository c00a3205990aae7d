"""Trained networks in evaluation mode: those of runs and those of files of weights."""

from __future__ import annotations

import torch

from inceptionctl.config.schema import Config
from inceptionctl.errors import RequestError, warn
from inceptionctl.models.torch.build import build
from inceptionctl.models.torch.modules import Classifier
from inceptionctl.models.weights.load import load_opened
from inceptionctl.models.weights.open import OpenWeights
from inceptionctl.runs.paths import RunDir
from inceptionctl.training.checkpoint import read_latest


def network_of_run(run: RunDir, config: Config, weights: str) -> tuple[Classifier, int]:
    """The network of `config` with the "ema" or "model" weights of the last checkpoint, and its number of classes."""
    checkpoint = read_latest(run.checkpoints, warn)
    if checkpoint is None:
        raise RequestError(f"{run.path} has no checkpoint yet: train it on with `inceptionctl resume {run.path}`")
    tensors = checkpoint.tensors[weights]
    (n_classes,) = {len(t) for name, t in tensors.items() if name.startswith("logits.") and name.endswith(".weight")}
    model = _build(config, n_classes)
    model.load_state_dict(tensors)
    return model, n_classes


def network_of_weights(config: Config, weights: OpenWeights, n_classes: int) -> Classifier:
    """The network of `config` with opened weights for this number of classes."""
    model = _build(config, n_classes)
    load_opened(model, weights)
    return model


def _build(config: Config, n_classes: int) -> Classifier:
    arch = config.arch
    spec, size = arch.spec(n_classes), (arch.pixels, arch.pixels)
    model = build(spec, size, bn_momentum=arch.bn_momentum, bn_eps=arch.bn_eps).eval()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
