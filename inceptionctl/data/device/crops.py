"""Crops of training images, as workers cut them out or leave them encoded, and their batch: the rank's device decodes
what is encoded, resizes, mirrors and colours it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from inceptionctl.data.batch_memory import Allocate, fresh
from inceptionctl.data.device.colour import distorted, names_of
from inceptionctl.data.device.decode import JpegFile, decoded
from inceptionctl.data.device.resample import resized
from inceptionctl.data.variation import Crop, EncodedCrop, Variation


@dataclass(frozen=True)
class Pixels:
    """A crop that is decoded: (height, width, 3)."""

    height: int
    width: int

    @property
    def length(self) -> int:
        """Bytes."""
        return 3 * self.height * self.width


@dataclass(frozen=True)
class CropBatch:
    """`content`, uint8: the pixels or the JPEG files of all crops, one after the other, as `parts` has them; what
    becomes of each: `variations`, at `side` x `side` pixels. `labels_N`, `unreadable`: as in `Batch`."""

    content: Tensor
    parts: tuple[Pixels | JpegFile, ...]
    variations: tuple[Variation, ...]
    side: int
    labels_N: Tensor
    unreadable: tuple[int, ...] = ()

    def pin_memory(self) -> CropBatch:
        return replace(self, content=self.content.pin_memory(), labels_N=self.labels_N.pin_memory())

    def images(self, device: torch.device) -> Tensor:
        """images_NCHW, uint8, on `device`: those that workers would have made, to within rounding. Each is a function
        of its crop and its variation alone. Raises DataError for a JPEG file that cannot be decoded."""
        crops = self._crops(device)
        order = sorted(range(len(crops)), key=lambda place: names_of(self.variations[place].distortions))
        variations = [self.variations[place] for place in order]
        images_NCHW = resized([crops[place] for place in order], variations, self.side)
        if any(one.distortions for one in variations):
            images_NCHW = distorted(images_NCHW, [one.distortions for one in variations])
        back_N = torch.from_numpy(np.argsort(order)).to(device, non_blocking=True)
        return images_NCHW.to(torch.uint8).index_select(0, back_N)

    def _crops(self, device: torch.device) -> list[Tensor]:
        """uint8, (height, width, 3) of each."""
        lengths = [part.length for part in self.parts]
        files = {i: part for i, part in enumerate(self.parts) if isinstance(part, JpegFile)}
        data = torch.split(self.content, lengths)
        crops = dict(zip(files, decoded(list(files.values()), [data[i].numpy() for i in files], device), strict=True))
        if len(files) < len(self.parts):  # in one copy, whatever else is in it
            copied = torch.split(self.content.to(device, non_blocking=True), lengths)
            pixels = {i: part for i, part in enumerate(self.parts) if isinstance(part, Pixels)}
            crops |= {i: copied[i].view(part.height, part.width, 3) for i, part in pixels.items()}
        return [crops[i] for i in range(len(self.parts))]


def crop_batch(
    crops: Sequence[Crop | EncodedCrop], labels_N: Tensor, unreadable: tuple[int, ...], allocate: Allocate = fresh
) -> CropBatch:
    """`crops` in one array."""
    contents = [_content(crop) for crop in crops]
    content = allocate((sum(one.size for one in contents),))
    np.concatenate([one.ravel() for one in contents], out=content)
    parts, variations = tuple(map(_part, crops)), tuple(crop.variation for crop in crops)
    return CropBatch(torch.from_numpy(content), parts, variations, crops[0].side, labels_N, unreadable)


def _content(crop: Crop | EncodedCrop) -> np.ndarray:
    return crop.pixels if isinstance(crop, Crop) else np.frombuffer(crop.data, np.uint8)


def _part(crop: Crop | EncodedCrop) -> Pixels | JpegFile:
    if isinstance(crop, Crop):
        return Pixels(*crop.pixels.shape[:2])
    return JpegFile(len(crop.data), crop.name, crop.size, crop.variation.box)
