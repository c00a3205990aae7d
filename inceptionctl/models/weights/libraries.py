"""timm's and torchvision's own models: the shapes of their tensors, and the names in `names/`.

`python -m inceptionctl.models.weights.libraries` writes these names anew, for a release that has been added.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import nn

from inceptionctl.errors import InceptionctlError
from inceptionctl.models.spec.tensors import Shape
from inceptionctl.models.weights.maps import NAMES, full_shapes, head_of, kind_of
from inceptionctl.models.weights.releases import RELEASES, Release

THEIR_HEADS = ("AuxLogits.", "aux1.", "aux2.")


@cache
def library_shapes(arch: str, library: str) -> dict[str, Shape]:
    """The names and shapes of the library's model of `arch`, auxiliary heads included."""
    (entry,) = (entry for entry in RELEASES[arch] if entry.publisher == library)
    with torch.device("meta"):
        model = library_model(entry)
    return {key: tuple(value.shape) for key, value in model.state_dict().items()}


def module_names(arch: str, library: str) -> dict[str, str]:
    """{ours: theirs} of every module with tensors. A spec's tensors stand in the order of the library's model; kinds
    and sizes are checked pair by pair."""
    theirs, ours = library_shapes(arch, library), _in_their_order(arch)
    bodies = [key for key in theirs if not key.startswith(THEIR_HEADS)], [key for key in ours if not head_of(key)]
    heads = [key for key in theirs if key.startswith(THEIR_HEADS)], [key for key in ours if head_of(key)]
    names = dict[str, str]()
    for name, key in (pair for part in (bodies, heads) if part[0] for pair in zip(*part, strict=True)):
        if kind_of(name) != kind_of(key) or torch.Size(theirs[name]).numel() != torch.Size(ours[key]).numel():
            raise InceptionctlError(f"{library}'s {arch} has changed: {name} does not match {key} any more")
        names[key.rpartition(".")[0]] = name.rpartition(".")[0]
    return names


def write_names() -> None:
    """One file for both libraries where their names are equal."""
    for arch, entries in RELEASES.items():
        texts = {entry.publisher: _lines(module_names(arch, entry.publisher)) for entry in entries}
        shared = len(texts) > 1 and len(set(texts.values())) == 1
        for library, text in texts.items():
            (NAMES / (f"{arch}.txt" if shared else f"{arch}.{library}.txt")).write_text(text, encoding="utf-8")


def _lines(names: dict[str, str]) -> str:
    return "".join(f"{ours} {theirs}\n" for ours, theirs in names.items())


def _in_their_order(arch: str) -> dict[str, Shape]:
    """timm registers the shortcut of a block of Xception before its steps."""
    shapes = full_shapes(arch)
    if arch != "xception":
        return shapes
    stages = list(dict.fromkeys(key.split(".")[0] for key in shapes))
    order = sorted(shapes, key=lambda key: (stages.index(key.split(".")[0]), ".shortcut." not in key))
    return {key: shapes[key] for key in order}


def library_model(entry: Release, classes: int = 1000, heads: bool = True) -> nn.Module:
    """The library's own model, initialised anew, with or without its auxiliary heads."""
    if entry.publisher == "timm":
        import timm

        aux = {"aux_logits": heads} if entry.model == "inception_v3" else {}
        model: nn.Module = timm.create_model(entry.model, num_classes=classes, **aux)
        return model
    import torchvision.models

    options = {"aux_logits": heads, "init_weights": False} if entry.model in ("googlenet", "inception_v3") else {}
    model = torchvision.models.get_model(entry.model, num_classes=classes, **options)
    return model  # noqa: RET504  typed above


if __name__ == "__main__":
    write_names()
