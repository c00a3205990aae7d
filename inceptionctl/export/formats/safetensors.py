"""Our own names: the whole network, auxiliary heads included, and all that builds it again in the file's metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from inceptionctl.config.validate import parse_as
from inceptionctl.export.format import Format, Logits, holds_any
from inceptionctl.export.metadata import ARCH, CLASSES, PREPROCESSING, metadata, read_json
from inceptionctl.export.trained import Trained
from inceptionctl.models.settings import Arch
from inceptionctl.models.torch.build import build
from inceptionctl.models.torch.classifier import Classifier

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Network:
    """A network that was exported, in evaluation mode; `preprocessing` as `Preprocessing.as_json` has it."""

    model: Classifier
    classes: Sequence[str]
    preprocessing: dict[str, Any]


def read(path: str | Path) -> Network:
    """The network of a file that `inceptionctl export format=safetensors` wrote."""
    with safe_open(path, "pt") as file:
        facts, state = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    arch, classes = parse_as(Arch, read_json(facts, ARCH)), read_json(facts, CLASSES)
    model = build(arch.spec(len(classes)), (arch.pixels, arch.pixels), bn_eps=arch.bn_eps).eval()
    model.load_state_dict(state)
    return Network(model, classes, read_json(facts, PREPROCESSING))


def _write(trained: Trained, folder: Path) -> None:
    state = {name: value.contiguous() for name, value in trained.model.state_dict().items()}
    save_file(state, folder / WEIGHTS, {"format": "pt"} | metadata(trained))


def _open(trained: Trained, folder: Path) -> Logits:
    model = read(folder / WEIGHTS).model

    def logits(images_NCHW: Tensor) -> Tensor:
        with torch.no_grad():
            return Tensor(model(images_NCHW).logits)

    return logits


def _usage(trained: Trained) -> str:
    return """\
from inceptionctl.export.formats.safetensors import read

network = read("model.safetensors")  # .model, .classes, .preprocessing
with torch.no_grad():
    logits_NK = network.model(images_NCHW).logits
"""


FORMAT = Format(library="inceptionctl", check=holds_any, write=_write, open=_open, usage=_usage)
