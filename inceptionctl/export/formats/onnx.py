"""ONNX for inference: batch norm folded, sibling 1x1 convolutions merged, any batch size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inceptionctl.export.format import Format, Logits, holds_any
from inceptionctl.export.metadata import metadata
from inceptionctl.export.trained import Trained
from inceptionctl.models.execution.inference import for_inference

FILE, INPUT, OUTPUT = "model.onnx", "images", "logits"


def _write(trained: Trained, folder: Path) -> None:
    import onnx

    pixels = trained.arch.pixels
    program = torch.onnx.export(
        for_inference(trained.model),
        (torch.zeros(2, 3, pixels, pixels),),
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    program.model.metadata_props.update(metadata(trained))
    program.save(folder / FILE, external_data=False)
    onnx.checker.check_model(folder / FILE)


def _open(trained: Trained, folder: Path) -> Logits:
    import onnxruntime

    session: Any = onnxruntime.InferenceSession(folder / FILE, providers=["CPUExecutionProvider"])

    def logits(images_NCHW: Tensor) -> Tensor:
        (found,) = session.run(None, {INPUT: images_NCHW.numpy()})
        return torch.from_numpy(found)

    return logits


def _usage(trained: Trained) -> str:
    return """\
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
facts = session.get_modelmeta().custom_metadata_map  # "classes" and "preprocessing": JSON
(logits_NK,) = session.run(None, {"images": images_NCHW.numpy()})
"""


FORMAT = Format(library="onnx", check=holds_any, write=_write, open=_open, usage=_usage)
