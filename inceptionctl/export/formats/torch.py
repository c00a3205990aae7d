"""A program of torch.export: the graph with its weights, for any batch size."""

from __future__ import annotations

from pathlib import Path

import torch

from inceptionctl.export.format import Format, Logits, holds_any
from inceptionctl.export.metadata import metadata
from inceptionctl.export.trained import Trained
from inceptionctl.models.execution.inference import without_heads

PROGRAM = "model.pt2"


def program(trained: Trained) -> torch.export.ExportedProgram:
    """Without auxiliary heads; the sizes of the input but for the batch's are fixed."""
    pixels = trained.arch.pixels
    example = torch.zeros(2, 3, pixels, pixels)
    with torch.no_grad():
        network = without_heads(trained.model)
        return torch.export.export(network, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))


def _write(trained: Trained, folder: Path) -> None:
    torch.export.save(program(trained), folder / PROGRAM, extra_files=metadata(trained))


def _open(trained: Trained, folder: Path) -> Logits:
    return torch.export.load(folder / PROGRAM).module()


def _usage(trained: Trained) -> str:
    return """\
facts = {"classes": "", "preprocessing": ""}  # filled from the file: JSON
model = torch.export.load("model.pt2", extra_files=facts).module()
logits_NK = model(images_NCHW)
"""


FORMAT = Format(library="pytorch", check=holds_any, write=_write, open=_open, usage=_usage)
