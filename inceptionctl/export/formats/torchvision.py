"""A state dict under torchvision's names."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from safetensors.torch import load_file, save_file

from inceptionctl.export.format import Format, Logits
from inceptionctl.export.metadata import metadata
from inceptionctl.export.trained import Trained
from inceptionctl.export.twin import check_twin, twin_of

LIBRARY, WEIGHTS = "torchvision", "model.safetensors"
WITH_HEADS = ("googlenet", "inception_v3")


def _write(trained: Trained, folder: Path) -> None:
    state = {name: value.contiguous() for name, value in twin_of(trained, LIBRARY).state(trained).items()}
    save_file(state, folder / WEIGHTS, {"format": "pt"} | metadata(trained))


def _open(trained: Trained, folder: Path) -> Logits:
    model = twin_of(trained, LIBRARY).model(trained)
    model.load_state_dict(load_file(folder / WEIGHTS), strict=True)
    return model


def _usage(trained: Trained) -> str:
    model = twin_of(trained, LIBRARY).entry.model
    options = ", aux_logits=False, init_weights=False" if model in WITH_HEADS else ""
    return f"""\
from safetensors.torch import load_file
from torchvision.models import get_model

model = get_model("{model}", num_classes={trained.n_classes}{options}).eval()
model.load_state_dict(load_file("{WEIGHTS}"))
with torch.no_grad():
    logits_NK = model(images_NCHW)
"""


FORMAT = Format(library=LIBRARY, check=partial(check_twin, library=LIBRARY), write=_write, open=_open, usage=_usage)
