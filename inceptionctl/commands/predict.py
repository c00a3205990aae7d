"""`inceptionctl predict`: the five most probable classes of image files, by a run or by released weights."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inceptionctl.arguments import Parser, check_output_file
from inceptionctl.data.listing import as_text
from inceptionctl.errors import InceptionctlError, RequestError, warn
from inceptionctl.files import writing
from inceptionctl.prediction.network import Network, from_run, from_weights
from inceptionctl.prediction.words import image_files, read_words

if TYPE_CHECKING:
    from inceptionctl.evaluation.predictor import Prediction, Predictor

SCHEMA = 1  # of --json
DESCRIPTION = """\
Prints the five most probable classes of each image, with their probabilities.

  run=DIR                    a run of yours: the average of its weights at its last checkpoint, by its own protocol
  arch=NAME weights=timm     released weights (also torchvision, timm:TAG, or FILE), by the default protocol
  weights_key=KEY            of a file with several state dicts, the one to take (default: their average)
  pixels=N                   another side of the input than the network's
  arch.KEY=VALUE             other settings of the network, such as arch.bn_eps=1e-5 for a file of timm's xception"""


def main(argv: list[str]) -> int:
    options = make_parser().parse_intermixed_args(argv)
    settings, overrides, paths = read_words(options.words)
    if options.features:
        check_output_file("--features", options.features, ".npz")
    files = list(dict.fromkeys(image_files(paths)))
    network = _network(settings, overrides, options.raw)
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
        print(json.dumps({"schema": SCHEMA, "images": entries}, indent=2, allow_nan=False))
    if options.features and entries:
        _save(options.features, entries, features)
    if len(entries) < len(files):
        raise InceptionctlError(f"{len(files) - len(entries)} of {len(files)} images could not be classified")
    return 0


def _network(settings: Mapping[str, str], overrides: Sequence[str], raw: bool) -> Network:
    if "run" in settings:
        return from_run(settings, "raw" if raw else "ema")
    if raw:
        raise RequestError("--raw is for runs; of a file with an average, weights_key=KEY takes other weights")
    return from_weights(settings, overrides)


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="inceptionctl predict",
        usage="inceptionctl predict run=DIR | arch=NAME weights=timm [--json] [--features FILE.npz] IMAGES...",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="+", metavar="IMAGES", help="image files, or folders of them")
    parser.add_argument("--json", action="store_true", help="print JSON with an entry for each image")
    parser.add_argument("--features", type=Path, metavar="FILE.npz", help="save the pooled features, float32")
    parser.add_argument("--raw", action="store_true", help="of a run: its last weights, not their average")
    return parser


def _save(path: Path, entries: Sequence[Mapping[str, Any]], features: Sequence[np.ndarray]) -> None:
    """The features with the names of their files, whole or not at all."""
    names = np.array([entry["file"] for entry in entries])
    with writing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, files=names, features=np.stack(features))


def _predictor(network: Network) -> Predictor:
    import torch

    from inceptionctl.data.normalise import NORMALISATIONS
    from inceptionctl.evaluation.evaluate import Network as OnDevice
    from inceptionctl.evaluation.predictor import Predictor
    from inceptionctl.training.device import ToDevice

    arch, protocol = network.config.arch, network.config.protocol
    device = next(network.model.parameters()).device
    to_device = ToDevice(device, torch.channels_last, NORMALISATIONS[arch.input])
    return Predictor(OnDevice(network.model, to_device), protocol.transform(arch.pixels), protocol)


def _entry(prediction: Prediction, classes: Sequence[str]) -> dict[str, Any]:
    top = [{"class": classes[k], "index": k, "probability": float(prediction.p_K[k])} for k in prediction.top(5)]
    return {"file": as_text(prediction.path), "top5": top}


def _print(entry: dict[str, Any]) -> None:
    print(entry["file"])
    for guess in entry["top5"]:
        print(f"  {100 * guess['probability']:6.2f} %  {guess['class']}")
