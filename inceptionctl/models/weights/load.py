"""Loads weights into a network, under our names or a library's, and gives them back under a library's. Strict: a name
without a partner is an error."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from inceptionctl.errors import RequestError
from inceptionctl.models.spec.tensors import Shape
from inceptionctl.models.weights.choose import choose, listed
from inceptionctl.models.weights.contents import StateDict, Stored
from inceptionctl.models.weights.fit import Fit, epsilon_note, fit
from inceptionctl.models.weights.libraries import library_shapes
from inceptionctl.models.weights.maps import head_of, name_map
from inceptionctl.models.weights.open import OpenWeights

Say = Callable[[str], None]
Tensors = dict[str, Tensor]


def load_weights(model: nn.Module, arch: str, tensors: Tensors, say: Say) -> None:
    """Fills `model`, a variant of `arch`, and says what was left out: auxiliary heads that only one of the two has,
    Google's class 0, classifiers for other classes.

    Raises RequestError that names the first tensors which are missing, unexpected or of another shape.
    """
    part = StateDict("", {name: _described(value) for name, value in tensors.items()})
    shapes = shapes_of(model)
    chosen = choose(arch, shapes, [part])
    found = fit(arch, shapes, chosen)
    epsilons = [module.eps for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for note in (
        *epsilon_note(arch, chosen.found.publisher, epsilons[0] if epsilons else None),
        *found.head_notes,
        *found.notes,
    ):
        say(note)
    _fill(model, found, tensors.__getitem__)


def load_opened(model: nn.Module, weights: OpenWeights) -> None:
    """Fills `model`, whose tensors have the names and shapes that `weights` was fitted to."""
    _fill(model, weights.fit, lambda name: torch.from_numpy(weights.values(name)))


def shapes_of(model: nn.Module) -> dict[str, Shape]:
    return {key: tuple(value.shape) for key, value in model.state_dict().items()}


def to_release(model: nn.Module, arch: str, library: str) -> Tensors:
    """The state of `model` under the library's names and in its shapes, without heads that the library lacks."""
    ours, theirs = model.state_dict(), name_map(arch, library)
    mapped = set(theirs.values())
    missing = sorted(key for key in mapped - set(ours) if not head_of(key))
    unexpected = sorted(key for key in set(ours) - mapped if not head_of(key))
    if missing or unexpected:
        raise RequestError(
            f"this {arch} is not the network of {library}: {len(missing)} missing ({listed(missing)}); "
            f"{len(unexpected)} unexpected ({listed(unexpected)})"
        )
    shapes = library_shapes(arch, library)
    return {name: _as_shaped(ours[key], shapes[name]) for name, key in theirs.items() if key in ours}


def _as_shaped(value: Tensor, shape: Shape) -> Tensor:
    """`value` with as many axes: as a convolution over a whole map or fully connected. Its rows stay as many."""
    return value.reshape(len(value), *shape[1:]) if value.dim() != len(shape) else value


def _fill(model: nn.Module, found: Fit, value_of: Callable[[str], Tensor]) -> None:
    state = model.state_dict()
    with torch.no_grad():
        for key, name in found.sources.items():
            value = value_of(name)
            state[key].copy_((value[1:] if key in found.background else value).reshape(state[key].shape))


def _described(value: Tensor) -> Stored:
    return Stored(str(value.dtype).removeprefix("torch."), tuple(value.shape))
