"""`inceptionctl predict`: the five most probable classes of image files, by a run or by released weights."""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inceptionctl.arguments import Parser
from inceptionctl.config.compose import compose
from inceptionctl.config.overrides import flatten_overrides
from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse
from inceptionctl.config.words import typed_path
from inceptionctl.data.inputs import describe_input
from inceptionctl.data.listing import as_text, describe, read_images
from inceptionctl.errors import InceptionctlError, RequestError, count, unknown, warn
from inceptionctl.files import kind_of
from inceptionctl.models.settings import MAX_PIXELS
from inceptionctl.models.weights.releases import Release, categories, release
from inceptionctl.models.zoo.registry import architecture
from inceptionctl.planning.checks import cost_on_input
from inceptionctl.planning.weights import IMAGENET_CLASSES, classifier_weights, notes_on, with_resolved_weights
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.io import read_record, writing
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.result import Result
from inceptionctl.scheduling.downloads import download
from inceptionctl.terminal import console

if TYPE_CHECKING:
    from inceptionctl.evaluation.predictor import Prediction, Predictor
    from inceptionctl.models.torch.modules import Classifier

SETTINGS = ("run", "arch", "weights", "weights_key", "pixels")
DESCRIPTION = """\
Prints the five most probable classes of each image, with their probabilities.

  run=DIR                    a run of yours: the average of its weights at its last checkpoint, by its own protocol
  arch=NAME weights=timm     released weights (also torchvision, timm:TAG, or FILE), by the default protocol
  weights_key=KEY            of a file with several state dicts, the one to take (default: their average)
  pixels=N                   another side of the input than the network's
  arch.KEY=VALUE             other settings of the network, such as arch.bn_eps=1e-5 for a file of timm's xception"""


@dataclass(frozen=True)
class Network:
    """A trained network with the configuration that it was built from and the names of its classes."""

    model: Classifier
    config: Config
    classes: Sequence[str]


def main(argv: list[str]) -> int:
    options = make_parser().parse_intermixed_args(argv)
    settings, overrides, paths = _sorted_words(options.words)
    if options.features:
        _check_features(options.features)
    files = list(dict.fromkeys(_image_files(paths)))
    if "run" in settings:
        network = _from_run(settings, overrides, "model" if options.raw else "ema")
    elif options.raw:
        raise RequestError("--raw is for runs; of a file with an average, weights_key=KEY takes other weights")
    else:
        network = _from_weights(settings, overrides)
    entries, features = list[dict[str, Any]](), list[np.ndarray]()
    for prediction in _predictor(network).predict(files, warn):
        if not np.isfinite(prediction.p_K).all():
            warn(f"image {as_text(prediction.path)}: the network's output is NaN or infinite")
            continue
        features.append(prediction.features_C)
        entries.append(_entry(prediction, network.classes))
        if not options.json:
            _print(entries[-1])
    if options.json:
        print(json.dumps(entries, indent=2, allow_nan=False))
    if options.features and entries:
        _save(options.features, entries, features)
    if len(entries) < len(files):
        raise InceptionctlError(f"{len(files) - len(entries)} of {len(files)} images could not be classified")
    return 0


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="inceptionctl predict",
        usage="inceptionctl predict run=DIR | arch=NAME weights=timm [--json] [--features FILE.npz] IMAGES...",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="+", metavar="IMAGES", help="image files, or folders of them")
    parser.add_argument("--json", action="store_true", help="print a list with an entry for each image")
    parser.add_argument("--features", type=Path, metavar="FILE.npz", help="save the pooled features, float32")
    parser.add_argument("--raw", action="store_true", help="of a run: its last weights, not their average")
    return parser


def _sorted_words(words: Sequence[str]) -> tuple[dict[str, str], list[str], list[Path]]:
    """Settings, overrides of the network, paths. Raises RequestError where the settings do not go together."""
    settings, overrides, paths = dict[str, str](), list[str](), list[Path]()
    for word in words:
        key, is_setting, value = word.partition("=")
        if not word.strip():
            raise RequestError(f"{word!r} is neither a setting nor an image: leave it out")
        if not is_setting or (key not in SETTINGS and os.path.lexists(word)):
            paths.append(Path(word))
        elif key in SETTINGS:
            _set(settings, key, value)
        elif key == "arch.name":
            raise RequestError(f"{word}: arch=NAME names the network")
        elif key.startswith("arch."):
            overrides.append(word)
        elif key.lstrip("+~").replace(".", "").isidentifier():
            raise unknown("setting", key, (*SETTINGS, "arch.KEY"), word)
        else:
            paths.append(Path(word))
    _check_settings(settings, overrides)
    return settings, overrides, paths


def _set(settings: dict[str, str], key: str, value: str) -> None:
    if key in settings:
        raise RequestError(f"{key}={settings[key]} and {key}={value}: {key} is given twice\n  leave one out")
    if not value and key != "weights_key":
        raise RequestError(f"{key}= has no value")
    settings[key] = value


def _check_settings(settings: Mapping[str, str], overrides: Sequence[str]) -> None:
    given = [f"{key}={settings[key]}" for key in ("run", "arch", "weights") if key in settings]
    if settings.keys() & {"run", "arch", "weights"} not in ({"run"}, {"arch", "weights"}):
        raise RequestError(
            f"predict needs either run=DIR, or arch=NAME and weights=timm, torchvision or FILE; "
            f"given: {' '.join(given) or 'none of them'}"
        )
    idle = [*overrides, *(f"weights_key={settings[key]}" for key in ("weights_key",) if key in settings)]
    if "run" in settings and idle:
        raise RequestError(
            f"{idle[0]}: the network of run={settings['run']} is the one that was trained\n  leave it out"
        )
    if both := [word for word in overrides if word.startswith("arch.pixels=") and "pixels" in settings]:
        raise RequestError(f"pixels={settings['pixels']} and {both[0]} set the same\n  leave one out")


def _image_files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files named and the images in the folders named."""
    if not paths:
        raise RequestError("predict needs images: name files or folders")
    for path in paths:
        if path.is_dir():
            images, left_out = read_images(path)
            if not images:
                raise RequestError(f"no images in {path}: it holds {describe(left_out)}")
            if left_out:
                warn(f"{path}: {count(len(images), 'image')}; left out: {describe(left_out)}")
            yield from (path / entry.name for entry in images)
        else:
            _check_file(path)
            yield path


def _check_file(path: Path) -> None:
    """Raises RequestError for an image that cannot be opened; whether it is one is told when it is read."""
    try:
        if kind := kind_of(path.stat().st_mode):
            raise RequestError(f"{path} is {kind}, not an image")
    except (OSError, ValueError) as error:  # ValueError: a NUL byte
        nothing = isinstance(error, FileNotFoundError) and not path.is_symlink()
        link = " (a link to nothing)" if path.is_symlink() else ""
        reason = "" if nothing or link else f": {getattr(error, 'strerror', None) or error}"
        raise RequestError(f"there is no image {path}{link}{reason}") from error
    if not os.access(path, os.R_OK):
        raise RequestError(f"the image {path} may not be read by this user")


def _check_features(path: Path) -> None:
    """Raises RequestError for a file that could not be written after all the work."""
    if path.suffix != ".npz":
        raise RequestError(f"--features {path}: the name should end in .npz")
    if os.path.lexists(path) and not path.is_file():
        raise RequestError(f"--features {path}: there is something that is not a file")
    if not path.parent.is_dir():
        raise RequestError(f"--features {path}: there is no folder {path.parent}")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise RequestError(f"--features {path}: the folder cannot be written to: {error.strerror}") from error


def _save(path: Path, entries: Sequence[Mapping[str, Any]], features: Sequence[np.ndarray]) -> None:
    """The features with the names of their files, whole or not at all."""
    names = np.array([entry["file"] for entry in entries])
    with writing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, files=names, features=np.stack(features))


def _from_run(settings: dict[str, str], overrides: Sequence[str], weights: str) -> Network:
    run = RunDir(Path(typed_path("run =", settings["run"])))
    config = _resized(read_config(run), settings)
    warn(f"input: {describe_input(config.arch.input, config.arch.pixels)}")

    from inceptionctl.worker.networks import network_of_run

    model, n_classes = network_of_run(run, config, weights)
    return Network(model, config, _named(_classes_of(run, config), n_classes))


def _from_weights(settings: dict[str, str], overrides: list[str]) -> Network:
    """Released weights come with the input and the epsilon that they were made for, unless these are given."""
    arch, weights = settings["arch"], settings["weights"]
    architecture(arch)  # raises RequestError for an unknown one
    entry = release(arch, weights)
    plain = ["scale=imagenet", f"arch={arch}", "arch.aux.head=false", "loss.aux_weight=0"]
    typed = flatten_overrides(overrides)
    stated = [f"{key}={value}" for key, value in _made_for(entry).items() if key not in typed]
    config = parse(compose("train", [*plain, *stated, *overrides]))
    weights = weights if entry else typed_path("weights =", weights)
    config = _resized(replace(config, weights=weights, weights_key=settings.get("weights_key")), settings)
    config = with_resolved_weights(config)
    path = (entry.cached or download(entry, console(stderr=True))) if entry else Path(config.weights or "")
    opened, n_classes = classifier_weights(config, path)
    warn(f"input: {describe_input(config.arch.input, config.arch.pixels)}")
    for line in notes_on(config, opened):
        warn(f"weights: {line}")

    from inceptionctl.worker.networks import network_of_weights

    names = categories() if n_classes == IMAGENET_CLASSES else []
    return Network(network_of_weights(config, opened, n_classes), config, _named(names, n_classes))


def _made_for(entry: Release | None) -> dict[str, str | float]:
    """The settings of the network that a release was trained with."""
    if entry is None:
        return {}
    return {"arch.input": entry.input} | ({"arch.bn_eps": entry.bn_eps} if entry.bn_eps else {})


def _resized(config: Config, settings: Mapping[str, str]) -> Config:
    """`config` with the input of `pixels=`, which has to fit the network. Raises RequestError."""
    pixels = settings.get("pixels")
    if pixels is not None:
        if not re.fullmatch("[0-9]{1,5}", pixels) or not 1 <= int(pixels) <= MAX_PIXELS:
            raise RequestError(f"pixels = {pixels} is not allowed: a whole number from 1 to {MAX_PIXELS:,}")
        config = replace(config, arch=replace(config.arch, pixels=int(pixels)))
    cost_on_input(config, config.arch.spec(IMAGENET_CLASSES))
    return config


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


def _predictor(network: Network) -> Predictor:
    from inceptionctl.data.normalise import NORMALISATIONS
    from inceptionctl.evaluation.predictor import Predictor

    arch, protocol = network.config.arch, network.config.protocol
    return Predictor(network.model, protocol.transform(arch.pixels), NORMALISATIONS[arch.input])


def _entry(prediction: Prediction, classes: Sequence[str]) -> dict[str, Any]:
    top = [{"class": classes[k], "index": k, "probability": float(prediction.p_K[k])} for k in prediction.top(5)]
    return {"file": as_text(prediction.path), "top5": top}


def _print(entry: dict[str, Any]) -> None:
    print(entry["file"])
    for guess in entry["top5"]:
        print(f"  {100 * guess['probability']:6.2f} %  {guess['class']}")
