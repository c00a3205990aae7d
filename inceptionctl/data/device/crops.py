"""Crops of training images, as workers cut them out, leave them encoded, or say where they are in images that the rank
holds, and their batch: the rank's device decodes what is encoded, cuts out what it holds, resizes, mirrors and colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from inceptionctl.data.batch_memory import Allocate, fresh
from inceptionctl.data.decoded.for_device import ForDevice
from inceptionctl.data.device.cache import CachedImage, cut_out
from inceptionctl.data.device.colour import distorted, names_of
from inceptionctl.data.device.decode import JpegFile, decoded
from inceptionctl.data.device.resample import resized
from inceptionctl.data.variation import AnyCrop, CachedCrop, Crop, EncodedCrop, Variation


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
    becomes of each: `variations`, at `side` x `side` pixels. `labels_N`, `unreadable`: as in `Batch`. `cached`: the
    images that the rank holds on its device, where it does."""

    content: Tensor
    parts: tuple[Pixels | JpegFile | CachedImage, ...]
    variations: tuple[Variation, ...]
    side: int
    labels_N: Tensor
    unreadable: tuple[int, ...] = ()
    cached: ForDevice | None = None

    def pin_memory(self) -> CropBatch:
        return replace(self, content=self.content.pin_memory(), labels_N=self.labels_N.pin_memory())

    def images(self, device: torch.device) -> Tensor:
        """images_NCHW, uint8, on `device`: those that workers would have made, to within rounding. Each is a function
        of its crop and its variation alone. Raises DataError for a JPEG file that cannot be decoded, and as
        `cut_out`."""
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
        if pixels := {i: part for i, part in enumerate(self.parts) if isinstance(part, Pixels)}:
            copied = torch.split(self.content.to(device, non_blocking=True), lengths)  # once, whatever else is in it
            crops |= {i: copied[i].view(part.height, part.width, 3) for i, part in pixels.items()}
        images = {i: part for i, part in enumerate(self.parts) if isinstance(part, CachedImage)}
        if self.cached:
            crops |= zip(images, cut_out(list(images.values()), self.cached, device), strict=True)
        return [crops[i] for i in range(len(self.parts))]


def crop_batch(
    crops: Sequence[AnyCrop], labels_N: Tensor, unreadable: tuple[int, ...], allocate: Allocate = fresh
) -> CropBatch:
    """`crops` in one array."""
    contents = [_content(crop) for crop in crops]
    content = allocate((sum(one.size for one in contents),))
    np.concatenate([one.ravel() for one in contents], out=content)
    parts, variations = tuple(map(_part, crops)), tuple(crop.variation for crop in crops)
    return CropBatch(torch.from_numpy(content), parts, variations, crops[0].side, labels_N, unreadable)


def _content(crop: AnyCrop) -> np.ndarray:
    if isinstance(crop, Crop):
        return crop.pixels
    return np.frombuffer(crop.data if isinstance(crop, EncodedCrop) else b"", np.uint8)


def _part(crop: AnyCrop) -> Pixels | JpegFile | CachedImage:
    if isinstance(crop, Crop):
        return Pixels(*crop.pixels.shape[:2])
    if isinstance(crop, CachedCrop):
        return CachedImage(crop.index, crop.size, crop.variation.box)
    return JpegFile(len(crop.data), crop.name, crop.size, crop.variation.box)
