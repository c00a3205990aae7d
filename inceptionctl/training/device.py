"""The device that a rank computes on, and how batches get there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from inceptionctl.data.device.crops import CropBatch
from inceptionctl.data.loader import TrainingBatch
from inceptionctl.data.normalise import Normalise, inception
from inceptionctl.errors import RequestError


@dataclass(frozen=True)
class ToDevice:
    """Copies a batch to `device`, augments it there if it is one of crops, and turns its uint8 images into the floats
    that the network takes."""

    device: torch.device
    memory_format: torch.memory_format = torch.contiguous_format
    normalise: Normalise = inception

    def __call__(self, batch: TrainingBatch) -> tuple[Tensor, Tensor]:
        """images_NCHW, labels_N."""
        images_NCHW = batch.images(self.device) if isinstance(batch, CropBatch) else batch.images_NCHW
        return self.floats(images_NCHW), batch.labels_N.to(self.device, non_blocking=True)

    def floats(self, images_NCHW: Tensor) -> Tensor:
        """Of uint8 images, here or on the device."""
        return self.normalise(images_NCHW.to(self.device, non_blocking=True), self.memory_format)


def select_device(setting: Literal["auto", "cpu", "cuda"], local_rank: int) -> torch.device:
    """The GPU of this rank, or the CPU. Raises RequestError for cuda without a GPU that torch can use."""
    if setting == "cuda" and not torch.cuda.is_available():
        raise RequestError(
            "launch.device = cuda, but torch.cuda.is_available() is False: does this build of torch match the driver?"
        )
    if setting == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", local_rank)
    torch.cuda.set_device(device)
    return device


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
