"""Weights of others into a network and back: by the names of timm, of torchvision, or our own, without leftovers.

A spec's tensors stand in the order of the library's model, which gives the map of names: kinds and sizes are checked
pair by pair, and the oracle tests prove the order.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.models.torch.build import build
from inceptionctl.models.weights.releases import RELEASES, SUFFIXES
from inceptionctl.models.zoo.registry import architecture, network

Tensors = dict[str, Tensor]
Say = Callable[[str], None]
THEIR_HEADS = ("AuxLogits.", "aux1.", "aux2.")
COUNTER = "num_batches_tracked"  # old files lack it, and nothing but a cumulative average needs it
SHOWN = 10
OWN = "our own"


def read_weights(path: Path) -> Tensors:
    """The tensors of a file; of a pickle, tensors alone are read and nothing in it is run. Raises RequestError."""
    if path.suffix not in SUFFIXES:
        raise RequestError(f"{path}: weights end in {', '.join(SUFFIXES)}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a stranger's bytes make both readers raise anything
        if what := re.search(r"GLOBAL \S+", str(error)):
            raise RequestError(
                f"{path} holds more than tensors ({what[0]}); nothing in it was run; "
                "if you trust it, save its state_dict as safetensors where it came from"
            ) from error
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise RequestError(f"{path} cannot be read as weights: {reason}") from error
    return _tensors(loaded, path)


def load_weights(model: nn.Module, arch: str, tensors: Tensors, say: Say, heads: bool = True) -> None:
    """Fills `model`, a variant of `arch`, with `tensors` under any naming, and says what was left out: auxiliary heads
    that only one of the two has (not said if not `heads`), Google's class 0, classifiers for other classes.

    Raises RequestError that names the first keys which are missing, unexpected or of another shape.
    """
    ours = dict(model.state_dict())
    naming, names = _names(arch, set(tensors), set(ours))
    _say_epsilon(model, arch, naming, say)
    found = {names[key]: value for key, value in tensors.items()}
    _settle_heads(found, ours, say if heads else lambda message: None)
    _settle_classes(found, ours, say)
    fitted = {key: _fitted(value, ours[key]) for key, value in found.items()}
    if wrong := [key for key, value in fitted.items() if value.shape != ours[key].shape]:
        shapes = [f"{key} {_shape(found[key])}, here {_shape(ours[key])}" for key in wrong]
        raise RequestError(f"the weights are of another size than this {arch}: {_listed(shapes, '; ')}")
    model.load_state_dict(ours | fitted)


def classes_of(arch: str, tensors: Tensors) -> int:
    """Of the file's classifier, Google's background left out. Raises RequestError where there is none."""
    names = {OWN: {"logits.weight": "logits.weight", "logits.conv.weight": "logits.weight"}}
    if not tensors.keys() & names[OWN].keys():
        names = {entry.publisher: name_map(arch, entry.publisher) for entry in RELEASES.get(arch, ())}
    for naming in names.values():
        for key, ours in naming.items():
            if ours == "logits.weight" and key in tensors:
                return {1001: 1000}.get(len(tensors[key]), len(tensors[key]))
    raise RequestError(
        f"the weights hold no classifier of {arch}: their names begin with {_listed(sorted(tensors)[:3])}"
    )


def to_release(model: nn.Module, arch: str, library: str) -> Tensors:
    """The state of `model` by the library's names and shapes; auxiliary heads that the library lacks are left out."""
    ours, theirs = model.state_dict(), name_map(arch, library)
    covered = set(theirs.values())
    _check_leftovers(
        f"this {arch} is not the network of {library}",
        missing={key for key in covered - set(ours) if not _head(key)},
        unexpected={key for key in set(ours) - covered if not _head(key)},
    )
    shapes = _their_shapes(arch, library)
    return {name: _with_dims(ours[key], shapes[name]) for name, key in theirs.items() if key in ours}


@cache
def name_map(arch: str, library: str) -> dict[str, str]:
    """The library's name of every tensor of `arch`, auxiliary heads included, with ours: {theirs: ours}."""
    theirs, ours = _their_shapes(arch, library), _our_shapes(arch)
    bodies = [key for key in theirs if not key.startswith(THEIR_HEADS)], [key for key in ours if not _head(key)]
    heads = [key for key in theirs if key.startswith(THEIR_HEADS)], [key for key in ours if _head(key)]
    pairs = [pair for side in (bodies, heads) if side[0] for pair in zip(*side, strict=True)]
    for name, key in pairs:
        if _kind(name) != _kind(key) or theirs[name].numel() != ours[key].numel():
            raise InceptionctlError(f"{library}'s {arch} has changed: {name} is not {key} any more")
    return dict(pairs)


def _our_shapes(arch: str) -> dict[str, torch.Size]:
    """In the order of the libraries: timm registers the shortcut of a block of Xception before its steps."""
    pixels = architecture(arch).pixels
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in build(network(arch), (pixels, pixels)).state_dict().items()}
    if arch != "xception":
        return shapes
    stages = list(dict.fromkeys(key.split(".")[0] for key in shapes))
    order = sorted(shapes, key=lambda key: (stages.index(key.split(".")[0]), ".shortcut." not in key))
    return {key: shapes[key] for key in order}


@cache
def _their_shapes(arch: str, library: str) -> dict[str, torch.Size]:
    (entry,) = (entry for entry in RELEASES[arch] if entry.publisher == library)
    with torch.device("meta"):
        model = _timm(entry.model) if library == "timm" else _torchvision(entry.model)
    return {key: value.shape for key, value in model.state_dict().items()}


def _timm(name: str) -> nn.Module:
    import timm

    model: nn.Module = timm.create_model(name, **({"aux_logits": True} if name == "inception_v3" else {}))
    return model


def _torchvision(name: str) -> nn.Module:
    import torchvision.models

    headed = {"aux_logits": True, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    model: nn.Module = torchvision.models.get_model(name, **headed)
    return model


def _names(arch: str, given: set[str], ours: set[str]) -> tuple[str, dict[str, str]]:
    """Whose names the keys given are, and ours for each. Raises RequestError where nobody's fit whole."""
    heads = {_head(key) for key in ours} - {""}
    own = {key: key for key in ours | {key for key in given if _head(key) not in {"", *heads}}}
    maps = {OWN: own}
    if len(given & set(own)) < len(given) / 2:
        maps |= {entry.publisher: name_map(arch, entry.publisher) for entry in RELEASES.get(arch, ())}
    best = max(maps, key=lambda naming: len(given & set(maps[naming])))
    names = maps[best]
    wanted = {"", *(_head(names[key]) for key in given & set(names))} & {"", *heads}  # a head that is absent may be
    _check_leftovers(
        f"the weights do not fit this {arch} (read by {best} names)",
        missing={key for key in names if names[key] in ours and _head(names[key]) in wanted and _kind(key) != COUNTER}
        - given | {key for key in ours - set(names.values()) if not _head(key)},
        unexpected={
            key for key in given if key not in names or (names[key] not in ours and _head(names[key]) in {"", *heads})
        },
    )  # fmt: skip
    return best, {key: names[key] for key in given}


def _say_epsilon(model: nn.Module, arch: str, library: str, say: Say) -> None:
    entry = next((entry for entry in RELEASES.get(arch, ()) if entry.publisher == library), None)
    here = {module.eps for module in model.modules() if isinstance(module, nn.BatchNorm2d)}
    if entry and entry.bn_eps is not None and here - {entry.bn_eps}:
        say(f"batch norm has epsilon {min(here):g} here and {entry.bn_eps:g} in {library}, whose names the file has")


def _settle_heads(found: Tensors, ours: Tensors, say: Say) -> None:
    """Removes from `found` the auxiliary heads that have no place in `ours`."""
    theirs, wanted = ({head for key in state if (head := _head(key))} for state in (found, ours))
    for head in sorted(wanted - theirs):
        say(f"the auxiliary head {head} keeps its initial weights: the file has none")
    for head in sorted(theirs):
        keys = [key for key in found if _head(key) == head]
        if head not in wanted:
            say(f"the file's auxiliary head {head} is left out: this network has none there")
        elif any(_fitted(found[k], ours[k]).shape != ours[k].shape for k in keys if not _is_classifier(k)):
            say(f"the auxiliary head {head} keeps its initial weights: the file's is for another size of input")
        else:
            continue
        for key in keys:
            del found[key]


def _settle_classes(found: Tensors, ours: Tensors, say: Say) -> None:
    """Drops Google's background class; removes classifiers for other classes, so that the fresh ones stay."""
    classifiers = [key for key in found if _is_classifier(key) and found[key].shape[:1] != ours[key].shape[:1]]
    for key in classifiers:
        had, here = found[key].shape[:1].numel(), len(ours[key])
        main = key == "logits.weight"
        if (had, here) == (1001, 1000):
            found[key] = found[key][1:]
            if main:
                say("class 0 of 1001, the background, was dropped")
            continue
        del found[key]
        if main:
            also = ", those of the auxiliary heads too" if len(classifiers) > 2 else ""
            say(f"the classifier was replaced: the weights have {had:,} classes, this data {here:,}{also}")


def _fitted(value: Tensor, ours: Tensor) -> Tensor:
    """`value` as ours is laid out, where one is a convolution over a whole map and the other fully connected."""
    return _with_dims(value, ours.shape)


def _with_dims(value: Tensor, shape: torch.Size) -> Tensor:
    if {value.dim(), len(shape)} != {2, 4} or value.shape[1:].numel() != shape[1:].numel():
        return value
    return value.reshape(len(value), *shape[1:])


def _tensors(loaded: object, path: Path) -> Tensors:
    """A state dict, bare or as `state_dict` or `model` of a training checkpoint, and without DataParallel's prefix."""
    for key in ("state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise RequestError(f"{path} holds no state dict: names with tensors are wanted")
    return {str(key).removeprefix("module."): value for key, value in loaded.items()}


def _check_leftovers(what: str, missing: set[str], unexpected: set[str]) -> None:
    lists = {"missing": sorted(missing), "unexpected": sorted(unexpected)}
    if found := [f"{len(keys)} {kind} ({_listed(keys)})" for kind, keys in lists.items() if keys]:
        raise RequestError(f"{what}: {'; '.join(found)}")


def _listed(keys: list[str], between: str = ", ") -> str:
    """On one line: what a worker's last line says is what a person sees of its failure."""
    more = [f"and {len(keys) - SHOWN} more"] if len(keys) > SHOWN else []
    return between.join([*keys[:SHOWN], *more])


def _shape(value: Tensor) -> str:
    return "x".join(map(str, value.shape)) or "a number"


def _head(key: str) -> str:
    """The auxiliary head that one of our names belongs to, or nothing."""
    stage = key.split(".")[0]
    return stage if stage == "aux" or stage.startswith("aux_") else ""


def _is_classifier(key: str) -> bool:
    return ".".join(key.split(".")[-2:]) in ("logits.weight", "logits.bias") and key.count(".") == 1 + bool(_head(key))


def _kind(key: str) -> str:
    return key.rpartition(".")[2]
