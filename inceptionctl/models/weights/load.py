"""Loads weights into a network, under our names or a library's, and gives them back under a library's. Strict: a key
without a partner is an error."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from inceptionctl.errors import RequestError
from inceptionctl.models.weights.maps import head_of, kind_of, library_shapes, name_map
from inceptionctl.models.weights.read import Tensors
from inceptionctl.models.weights.releases import RELEASES

Say = Callable[[str], None]
COUNTER = "num_batches_tracked"  # absent in old files; only a cumulative average needs it
SHOWN = 10  # keys in a message
OWN = "our own"


def load_weights(model: nn.Module, arch: str, tensors: Tensors, say: Say, heads: bool = True) -> None:
    """Fills `model`, a variant of `arch`, and says what was left out: auxiliary heads that only one of the two has (not
    said if not `heads`), Google's class 0, classifiers for other classes.

    Raises RequestError that names the first keys which are missing, unexpected or of another shape.
    """
    ours = dict(model.state_dict())
    naming, names = _naming(arch, set(tensors), set(ours))
    _say_epsilon(model, arch, naming, say)
    found = {names[key]: value for key, value in tensors.items()}
    _drop_heads(found, ours, say if heads else lambda message: None)
    _match_classes(found, ours, say)
    fitted = {key: _as_shaped(value, ours[key].shape) for key, value in found.items()}
    if wrong := [key for key, value in fitted.items() if value.shape != ours[key].shape]:
        shapes = [f"{key} {_shape(found[key])}, here {_shape(ours[key])}" for key in wrong]
        raise RequestError(f"the weights are of another size than this {arch}: {_listed(shapes, '; ')}")
    model.load_state_dict(ours | fitted)


def classes_of(arch: str, tensors: Tensors) -> int:
    """The classes of the file's classifier, without Google's background. Raises RequestError if there is none."""
    maps = {OWN: {"logits.weight": "logits.weight", "logits.conv.weight": "logits.weight"}}
    if not tensors.keys() & maps[OWN].keys():
        maps = {entry.publisher: name_map(arch, entry.publisher) for entry in RELEASES.get(arch, ())}
    for names in maps.values():
        for key, ours in names.items():
            if ours == "logits.weight" and key in tensors:
                return {1001: 1000}.get(len(tensors[key]), len(tensors[key]))
    raise RequestError(
        f"the weights contain no classifier of {arch}: their names begin with {_listed(sorted(tensors)[:3])}"
    )


def to_release(model: nn.Module, arch: str, library: str) -> Tensors:
    """The state of `model` under the library's names and in its shapes, without heads that the library lacks."""
    ours, theirs = model.state_dict(), name_map(arch, library)
    mapped = set(theirs.values())
    _check_leftovers(
        f"this {arch} is not the network of {library}",
        missing={key for key in mapped - set(ours) if not head_of(key)},
        unexpected={key for key in set(ours) - mapped if not head_of(key)},
    )
    shapes = library_shapes(arch, library)
    return {name: _as_shaped(ours[key], shapes[name]) for name, key in theirs.items() if key in ours}


def _naming(arch: str, given: set[str], ours: set[str]) -> tuple[str, dict[str, str]]:
    """Whose names `given` are, and ours for each. Raises RequestError if nobody's fit completely."""
    heads = {head_of(key) for key in ours} - {""}
    own = {key: key for key in ours | {key for key in given if head_of(key) not in {"", *heads}}}
    maps = {OWN: own}
    if len(given & set(own)) < len(given) / 2:
        maps |= {entry.publisher: name_map(arch, entry.publisher) for entry in RELEASES.get(arch, ())}
    best = max(maps, key=lambda naming: len(given & set(maps[naming])))
    names = maps[best]
    here = {"", *heads}
    needed = here & {"", *(head_of(names[key]) for key in given & set(names))}  # the file may lack heads
    expected = {key for key, own in names.items() if own in ours and head_of(own) in needed and kind_of(key) != COUNTER}
    unnamed = {key for key in ours - set(names.values()) if not head_of(key)}
    _check_leftovers(
        f"the weights do not fit this {arch} (read by {best} names)",
        missing=expected - given | unnamed,
        unexpected={k for k in given if k not in names or (names[k] not in ours and head_of(names[k]) in here)},
    )
    return best, {key: names[key] for key in given}


def _say_epsilon(model: nn.Module, arch: str, library: str, say: Say) -> None:
    entry = next((entry for entry in RELEASES.get(arch, ()) if entry.publisher == library), None)
    here = {module.eps for module in model.modules() if isinstance(module, nn.BatchNorm2d)}
    if entry and entry.bn_eps is not None and here - {entry.bn_eps}:
        say(f"batch norm has epsilon {min(here):g} here, and {entry.bn_eps:g} in {library}, whose names the file has")


def _drop_heads(found: Tensors, ours: Tensors, say: Say) -> None:
    """Removes from `found` the auxiliary heads that have no place in `ours`."""
    theirs, wanted = ({head for key in state if (head := head_of(key))} for state in (found, ours))
    for head in sorted(wanted - theirs):
        say(f"the auxiliary head {head} keeps its initial weights: the file has none")
    for head in sorted(theirs):
        keys = [key for key in found if head_of(key) == head]
        if head not in wanted:
            say(f"the file's auxiliary head {head} is left out: this network has none there")
        elif any(_as_shaped(found[k], ours[k].shape).shape != ours[k].shape for k in keys if not _is_classifier(k)):
            say(f"the auxiliary head {head} keeps its initial weights: the file's is for another size of input")
        else:
            continue
        for key in keys:
            del found[key]


def _match_classes(found: Tensors, ours: Tensors, say: Say) -> None:
    """Drops Google's background class; removes classifiers for other classes, so that the initial ones stay."""
    classifiers = [key for key in found if _is_classifier(key) and found[key].shape[:1] != ours[key].shape[:1]]
    for key in classifiers:
        there, here = found[key].shape[:1].numel(), len(ours[key])
        main = key == "logits.weight"
        if (there, here) == (1001, 1000):
            found[key] = found[key][1:]
            if main:
                say("class 0 of 1001, the background, was dropped")
            continue
        del found[key]
        if main:
            also = ", those of the auxiliary heads too" if len(classifiers) > 2 else ""
            say(f"the classifier was replaced: the weights have {there:,} classes, this data {here:,}{also}")


def _as_shaped(value: Tensor, shape: torch.Size) -> Tensor:
    """`value` in this shape if one is a convolution over a whole map and the other fully connected."""
    if {value.dim(), len(shape)} != {2, 4} or value.shape[1:].numel() != shape[1:].numel():
        return value
    return value.reshape(len(value), *shape[1:])


def _check_leftovers(what: str, missing: set[str], unexpected: set[str]) -> None:
    lists = {"missing": sorted(missing), "unexpected": sorted(unexpected)}
    if found := [f"{len(keys)} {kind} ({_listed(keys)})" for kind, keys in lists.items() if keys]:
        raise RequestError(f"{what}: {'; '.join(found)}")


def _listed(keys: list[str], between: str = ", ") -> str:
    """On one line, since only the last line of a worker's error is shown."""
    more = [f"and {len(keys) - SHOWN} more"] if len(keys) > SHOWN else []
    return between.join([*keys[:SHOWN], *more])


def _shape(value: Tensor) -> str:
    return "x".join(map(str, value.shape)) or "a number"


def _is_classifier(key: str) -> bool:
    return key.removeprefix(f"{head_of(key)}.") in ("logits.weight", "logits.bias")
