"""`inceptionctl predict`: the five most probable classes of image files, by a run or by released weights."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inceptionctl.config.compose import compose
from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse
from inceptionctl.data.listing import describe, read_images
from inceptionctl.errors import InceptionctlError, RequestError, count, unknown, warn
from inceptionctl.models.weights.releases import categories, release
from inceptionctl.models.zoo.registry import architecture
from inceptionctl.planning.weights import with_resolved_weights
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.result import Result
from inceptionctl.scheduling.downloads import download
from inceptionctl.terminal import console

if TYPE_CHECKING:
    from inceptionctl.evaluation.predictor import Prediction, Predictor
    from inceptionctl.models.torch.modules import Classifier

SETTINGS = ("run", "arch", "weights", "pixels")
IMAGENET_CLASSES = 1000
DESCRIPTION = """\
Prints the five most probable classes of each image, with their probabilities.

  run=DIR                    a run of yours: the average of its weights at its last checkpoint, by its own protocol
  arch=NAME weights=timm     released weights (also torchvision, timm:TAG, or FILE), by the default protocol
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
    files = list(dict.fromkeys(_image_files(paths)))
    if options.features and options.features.suffix != ".npz":
        raise RequestError(f"--features {options.features}: the name should end in .npz")
    if "run" in settings:
        network = _from_run(settings, overrides, "model" if options.raw else "ema")
    elif options.raw:
        raise RequestError("--raw is for runs: released weights have no average beside them")
    else:
        network = _from_weights(settings, overrides)
    entries, features = list[dict[str, Any]](), list[np.ndarray]()
    for prediction in _predictor(network).predict(files, warn):
        features.append(prediction.features_C)
        entries.append(_entry(prediction, network.classes))
        if not options.json:
            _print(entries[-1])
    if options.json:
        print(json.dumps(entries, indent=2))
    if options.features and entries:
        names = np.array([entry["file"] for entry in entries])
        np.savez_compressed(options.features, files=names, features=np.stack(features))
    if len(entries) < len(files):
        raise InceptionctlError(f"{len(files) - len(entries)} of {len(files)} images could not be read")
    return 0


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
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
        if key in SETTINGS and is_setting:
            settings[key] = value
        elif key.startswith("arch.") and is_setting:
            overrides.append(word)
        elif is_setting and not Path(word).exists() and key.isidentifier():
            raise unknown("setting", key, SETTINGS, word)
        else:
            paths.append(Path(word))
    if settings.keys() & {"run", "arch", "weights"} not in ({"run"}, {"arch", "weights"}):
        raise RequestError("predict needs either run=DIR, or arch=NAME and weights=timm, torchvision or FILE")
    return settings, overrides, paths


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
        elif path.is_file():
            yield path
        else:
            raise RequestError(f"there is no image {path}")


def _from_run(settings: dict[str, str], overrides: Sequence[str], weights: str) -> Network:
    run = RunDir(Path(settings["run"]))
    config = _resized(read_config(run), settings)
    if overrides:
        raise RequestError(f"{overrides[0]}: the network of run={run.path} is the one that was trained")

    from inceptionctl.worker.networks import network_of_run

    model, n_classes = network_of_run(run, config, weights)
    return Network(model, config, _named(_classes_of(run, config), n_classes))


def _from_weights(settings: dict[str, str], overrides: list[str]) -> Network:
    """Released weights come with the input and the epsilon that they were made for, unless these are given."""
    arch, weights = settings["arch"], settings["weights"]
    architecture(arch)  # raises RequestError for an unknown one
    entry = release(arch, weights)
    stated = [f"arch.input={entry.input}", *([f"arch.bn_eps={entry.bn_eps}"] if entry.bn_eps else [])] if entry else []
    plain = ["scale=imagenet", f"arch={arch}", "arch.aux.head=false", "loss.aux_weight=0"]
    config = parse(compose("train", [*plain, *stated, *overrides]))
    config = _resized(with_resolved_weights(replace(config, weights=weights)), settings)

    from inceptionctl.worker.networks import network_of_weights

    path = (entry.cached or download(entry, console(stderr=True))) if entry else Path(config.weights or "")
    model, n_classes = network_of_weights(config, path)
    return Network(model, config, _named(categories() if n_classes == IMAGENET_CLASSES else [], n_classes))


def _resized(config: Config, settings: dict[str, str]) -> Config:
    pixels = settings.get("pixels", str(config.arch.pixels))
    if not pixels.isdecimal() or not int(pixels):
        raise RequestError(f"pixels = {pixels} is not a number of pixels")
    return replace(config, arch=replace(config.arch, pixels=int(pixels)))


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
    return {"file": str(prediction.path), "top5": top}


def _print(entry: dict[str, Any]) -> None:
    print(entry["file"])
    for guess in entry["top5"]:
        print(f"  {100 * guess['probability']:6.2f} %  {guess['class']}")
