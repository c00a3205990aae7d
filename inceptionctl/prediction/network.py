"""The trained network that a request names: that of a run, or a network with released weights or those of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inceptionctl.config.compose import composer_for
from inceptionctl.config.schema import Config
from inceptionctl.config.words import typed_path
from inceptionctl.data.inputs import describe_input
from inceptionctl.errors import RequestError, warn
from inceptionctl.files import from_here
from inceptionctl.models.settings import MAX_PIXELS
from inceptionctl.models.weights.releases import categories, release
from inceptionctl.models.zoo.registry import architecture
from inceptionctl.planning.networks import weights_config, with_pixels
from inceptionctl.planning.weights import IMAGENET_CLASSES, classifier_weights, notes_on
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.result import Result
from inceptionctl.scheduling.downloads import download
from inceptionctl.terminal import console

if TYPE_CHECKING:
    from inceptionctl.models.torch.classifier import Classifier


@dataclass(frozen=True)
class Network:
    """A trained network with the configuration that it was built from and the names of its classes."""

    model: Classifier
    config: Config
    classes: Sequence[str]


def from_run(settings: Mapping[str, str], weights: str) -> Network:
    """The network of `run=` with its average, "ema", or its last weights, "raw"."""
    run = RunDir(Path(typed_path("run =", settings["run"])))
    if run.is_evaluation:
        raise RequestError(f"run = {from_here(run.path)} is the folder of an evaluation, which has no network")
    config = with_pixels(read_config(run), _pixels(settings))
    warn(f"input: {describe_input(config.arch.input, config.arch.pixels)}")

    from inceptionctl.worker import networks

    model, n_classes = networks.network_of_run(run, config, weights)
    return Network(model, config, _named(_classes_of(run, config), n_classes))


def from_weights(settings: Mapping[str, str], overrides: Sequence[str]) -> Network:
    """Released weights come with the input and the epsilon that they were made for, unless these are given."""
    arch, weights = settings["arch"], settings["weights"]
    architecture(arch)  # raises RequestError for an unknown one
    weights = weights if release(arch, weights) else typed_path("weights =", weights)
    words = [f"arch={arch}", *overrides]
    config, entry = weights_config(composer_for(None), arch, weights, settings.get("weights_key"), words)
    config = with_pixels(config, _pixels(settings))
    path = (entry.cached or download(entry, console(stderr=True))) if entry else Path(config.weights or "")
    opened, n_classes = classifier_weights(config, path)
    warn(f"input: {describe_input(config.arch.input, config.arch.pixels)}")
    for line in notes_on(config, opened):
        warn(f"weights: {line}")

    from inceptionctl.worker import networks

    names = categories() if n_classes == IMAGENET_CLASSES else []
    return Network(networks.network_of_weights(config, opened, n_classes), config, _named(names, n_classes))


def _pixels(settings: Mapping[str, str]) -> int | None:
    """The input of `pixels=`. Raises RequestError."""
    pixels = settings.get("pixels")
    if pixels is None:
        return None
    if not re.fullmatch("[0-9]{1,5}", pixels) or not 1 <= int(pixels) <= MAX_PIXELS:
        raise RequestError(f"pixels = {pixels} is not allowed: a whole number from 1 to {MAX_PIXELS:,}")
    return int(pixels)


def _classes_of(run: RunDir, config: Config) -> Sequence[str]:
    """Names from the result, or from the data if it is still there."""
    if run.finished:
        return read_record(run.result, Result).classes
    try:
        return config.data.index(config.train.keep_best).classes
    except RequestError:
        return []


def _named(names: Sequence[str], n_classes: int) -> Sequence[str]:
    return names if len(names) == n_classes else [str(k) for k in range(n_classes)]
