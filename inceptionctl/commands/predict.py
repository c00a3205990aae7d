"""`inceptionctl predict`: the five likeliest classes of a person's own pictures, by a run or by released weights."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from inceptionctl.config.compose import compose
from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse
from inceptionctl.data.decode import suffixes
from inceptionctl.errors import InceptionctlError, RequestError, unknown
from inceptionctl.models.weights.releases import categories, release
from inceptionctl.models.zoo.registry import architecture
from inceptionctl.planning.plan import named_weights, variant
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.result import Result
from inceptionctl.scheduling.downloads import download

if TYPE_CHECKING:
    from inceptionctl.models.torch.modules import Classifier

SETTINGS = ("run", "arch", "weights", "pixels")
BATCH = 16
IMAGENET_CLASSES = 1000
DESCRIPTION = """\
Prints the five likeliest classes of each picture, with their probabilities.

  run=DIR                    a run of yours: the average of its weights at its last checkpoint, on its own crop
  arch=NAME weights=timm     released weights (also torchvision, timm:TAG, or FILE); the middle 87.5 % of a picture
  pixels=N                   another side of the input than the network's
  arch.KEY=VALUE             other settings of the network, such as arch.bn_eps=1e-5 for a file of timm's xception"""


@dataclass(frozen=True)
class Predictor:
    model: Classifier
    config: Config
    classes: Sequence[str]


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    settings, overrides, words = _sorted_words(options.words)
    files = list(_pictures(words))
    if options.features and options.features.suffix != ".npz":
        raise RequestError(f"--features {options.features}: the name should end in .npz")
    console = Console(stderr=True)
    if "run" in settings:
        predictor = _from_run(settings, overrides, options.raw)
    else:
        predictor = _from_weights(settings, overrides, options.raw, console)
    return _predict(predictor, files, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="inceptionctl predict",
        usage="inceptionctl predict run=DIR | arch=NAME weights=timm [--json] [--features FILE.npz] IMAGES...",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="+", metavar="IMAGES", help="pictures, or folders of pictures")
    parser.add_argument("--json", action="store_true", help="a list with one entry for each picture")
    parser.add_argument("--features", type=Path, metavar="FILE.npz", help="save what the classifier gets (float32)")
    parser.add_argument("--raw", action="store_true", help="of a run: its last weights, not their average")
    return parser


def _sorted_words(words: Sequence[str]) -> tuple[dict[str, str], list[str], list[Path]]:
    """Settings, overrides of the network, pictures. Raises RequestError where these do not go together."""
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
    whole = "run" in settings and not {"arch", "weights"} & settings.keys()
    if not whole and settings.keys() & {"run", "arch", "weights"} != {"arch", "weights"}:
        raise RequestError("predict needs either run=DIR, or arch=NAME and weights=timm, torchvision or FILE")
    return settings, overrides, paths


def _pictures(paths: Sequence[Path]) -> Iterator[Path]:
    """The pictures named, those of folders in order. Raises RequestError for a path that is not there."""
    if not paths:
        raise RequestError("predict needs pictures: name files or folders")
    for path in paths:
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if p.is_file() and p.suffix.lower() in suffixes())
            if not found:
                raise RequestError(f"no pictures in {path}")
            yield from found
        elif path.is_file():
            yield path
        else:
            raise RequestError(f"no picture {path}")


def _from_run(settings: dict[str, str], overrides: Sequence[str], raw: bool) -> Predictor:
    run = RunDir(Path(settings["run"]))
    config = read_config(run)
    if overrides:
        raise RequestError(f"{overrides[0]}: the network of run={run.path} is what it was trained as")

    from inceptionctl.training.checkpoint import read_latest

    found = read_latest(run.checkpoints, _warn)
    if found is None:
        raise RequestError(f"{run.path} has no checkpoint yet: `inceptionctl resume {run.path}` goes on with it")
    state = found.tensors["model" if raw else "ema"]
    count = next(len(value) for key, value in state.items() if key.startswith("logits.") and key.endswith(".weight"))
    config = _sized(config, settings)
    model = _built(config, count)
    model.load_state_dict(state)
    return Predictor(model, config, _classes_of(run, config, count))


def _from_weights(settings: dict[str, str], overrides: list[str], raw: bool, console: Console) -> Predictor:
    """Released weights come with the input and the epsilon that they were made for, unless these are given."""
    arch, weights = settings["arch"], settings["weights"]
    if raw:
        raise RequestError("--raw is for runs: released weights have no average beside them")
    architecture(arch)  # refuses a name that there is not
    entry = release(arch, weights)
    wanted = [f"arch.input={entry.input}", *([f"arch.bn_eps={entry.bn_eps}"] if entry.bn_eps else [])] if entry else []
    plain = ["scale=imagenet", f"arch={arch}", "arch.aux.head=false", "loss.aux_weight=0"]
    config = parse(compose("train", [*plain, *wanted, *overrides]))
    config = _sized(named_weights(replace(config, weights=weights)), settings)

    from inceptionctl.models.weights.maps import classes_of, load_weights, read_weights

    path = (entry.cached or download(entry, console)) if entry else Path(config.weights or "")
    tensors = read_weights(path)
    count = classes_of(arch, tensors)
    model = _built(config, count)
    load_weights(model, arch, tensors, _warn, heads=False)
    names = categories() if count == IMAGENET_CLASSES else [str(i) for i in range(count)]
    return Predictor(model, config, names)


def _sized(config: Config, settings: dict[str, str]) -> Config:
    if "pixels" not in settings:
        return config
    if not settings["pixels"].isdecimal() or not int(settings["pixels"]):
        raise RequestError(f"pixels = {settings['pixels']} is not a number of pixels")
    return replace(config, arch=replace(config.arch, pixels=int(settings["pixels"])))


def _built(config: Config, classes: int) -> Classifier:
    import torch

    from inceptionctl.models.torch.build import build

    arch = config.arch
    model = build(
        variant(config, classes), (arch.pixels, arch.pixels), bn_momentum=arch.bn_momentum, bn_eps=arch.bn_eps
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return model.eval().to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _classes_of(run: RunDir, config: Config, count: int) -> list[str]:
    """Names from the result, or from the data if it is still there, or numbers."""
    names: Sequence[str]
    if run.finished:
        names = read_record(run.result, Result).classes
    else:
        try:
            names = config.data.index(config.train.keep_best).classes
        except RequestError:
            names = []
    return list(names) if len(names) == count else [str(i) for i in range(count)]


def _predict(predictor: Predictor, files: Sequence[Path], options: argparse.Namespace) -> int:
    """Prints (and saves) what there is to say of the pictures. Raises InceptionctlError if some cannot be read."""
    from inceptionctl.data.normalise import NORMALISATIONS
    from inceptionctl.evaluation.evaluate import look

    normalise = NORMALISATIONS[predictor.config.arch.input]
    results, features, broken = list[dict[str, Any]](), list[np.ndarray](), 0
    for batch in (files[i : i + BATCH] for i in range(0, len(files), BATCH)):
        pictures = {path: picture for path in batch if (picture := _read(path, predictor)) is not None}
        broken += len(set(batch)) - len(pictures)
        if not pictures:
            continue
        p_NK, features_NC = look(predictor.model, np.stack(list(pictures.values())), normalise)
        features.append(features_NC)
        for path, p_K in zip(pictures, p_NK, strict=True):
            best = [int(k) for k in np.argsort(-p_K, kind="stable")[:5]]
            top = [{"class": predictor.classes[k], "index": k, "probability": float(p_K[k])} for k in best]
            results.append({"file": str(path), "top5": top})
            if not options.json:
                _show(results[-1])
    if options.json:
        print(json.dumps(results, indent=2))
    if options.features and results:
        names = np.array([result["file"] for result in results])
        np.savez_compressed(options.features, files=names, features=np.concatenate(features))
    if broken:
        raise InceptionctlError(f"{broken} of {len(files)} pictures could not be read")
    return 0


def _read(path: Path, predictor: Predictor) -> np.ndarray | None:
    """uint8, (pixels, pixels, 3); None, and a message, for a file that is no whole picture."""
    from PIL import Image, ImageOps

    crop = predictor.config.protocol.transform(predictor.config.arch.pixels)
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)  # as a person sees it: telephones store pictures on their side
            return np.asarray(crop(upright.convert("RGB"), np.random.default_rng(0)))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        _warn(f"cannot read {path}: {error}")
        return None


def _show(result: dict[str, Any]) -> None:
    print(result["file"])
    for guess in result["top5"]:
        print(f"  {100 * guess['probability']:6.2f} %  {guess['class']}")


def _warn(message: str) -> None:
    print(f"inceptionctl: {message}", file=sys.stderr, flush=True)
