"""The names of a network's tensors at timm and torchvision, and ours for each.

A spec's tensors stand in the order of the library's model, which pairs the names; kinds and sizes are checked pair by
pair, and the oracle tests prove the order.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import nn

from inceptionctl.errors import InceptionctlError
from inceptionctl.models.torch.build import build
from inceptionctl.models.weights.releases import RELEASES
from inceptionctl.models.zoo.registry import architecture, network

THEIR_HEADS = ("AuxLogits.", "aux1.", "aux2.")


@cache
def name_map(arch: str, library: str) -> dict[str, str]:
    """{theirs: ours} for every tensor of `arch`, auxiliary heads included."""
    theirs, ours = library_shapes(arch, library), _our_shapes(arch)
    bodies = [key for key in theirs if not key.startswith(THEIR_HEADS)], [key for key in ours if not head_of(key)]
    heads = [key for key in theirs if key.startswith(THEIR_HEADS)], [key for key in ours if head_of(key)]
    pairs = [pair for part in (bodies, heads) if part[0] for pair in zip(*part, strict=True)]
    for name, key in pairs:
        if kind_of(name) != kind_of(key) or theirs[name].numel() != ours[key].numel():
            raise InceptionctlError(f"{library}'s {arch} has changed: {name} does not match {key} any more")
    return dict(pairs)


@cache
def library_shapes(arch: str, library: str) -> dict[str, torch.Size]:
    (entry,) = (entry for entry in RELEASES[arch] if entry.publisher == library)
    with torch.device("meta"):
        model = _timm(entry.model) if library == "timm" else _torchvision(entry.model)
    return {key: value.shape for key, value in model.state_dict().items()}


def head_of(key: str) -> str:
    """The auxiliary head that one of our names belongs to, or ""."""
    stage = key.split(".")[0]
    return stage if stage == "aux" or stage.startswith("aux_") else ""


def kind_of(key: str) -> str:
    """`weight`, `bias`, `running_mean`, ..."""
    return key.rpartition(".")[2]


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


def _timm(name: str) -> nn.Module:
    import timm

    model: nn.Module = timm.create_model(name, **({"aux_logits": True} if name == "inception_v3" else {}))
    return model


def _torchvision(name: str) -> nn.Module:
    import torchvision.models

    options = {"aux_logits": True, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    model: nn.Module = torchvision.models.get_model(name, **options)
    return model
