"""Crops of training images, as workers cut them, and their batch: the rank's device resizes, mirrors and colours it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inceptionctl.data.batch_memory import Allocate, fresh
from inceptionctl.data.device.colour import distorted, names_of
from inceptionctl.data.device.resample import resized
from inceptionctl.data.variation import Crop, Variation


@dataclass(frozen=True)
class CropBatch:
    """`pixels`, uint8: those of all crops, one after the other, (height, width, 3) of each as `shapes` has them; what
    becomes of each: `variations`, at `side` x `side` pixels. `labels_N`, `unreadable`: as in `Batch`."""

    pixels: Tensor
    shapes: tuple[tuple[int, int], ...]
    variations: tuple[Variation, ...]
    side: int
    labels_N: Tensor
    unreadable: tuple[int, ...] = ()

    def pin_memory(self) -> CropBatch:
        return CropBatch(
            self.pixels.pin_memory(), self.shapes, self.variations, self.side, self.labels_N.pin_memory(),
            self.unreadable,
        )  # fmt: skip

    def images(self, device: torch.device) -> Tensor:
        """images_NCHW, uint8, on `device`: those that workers would have made, to within rounding. Each is a function
        of its crop and its variation alone."""
        parts = torch.split(self.pixels.to(device, non_blocking=True), [3 * h * w for h, w in self.shapes])
        crops = [part.view(*shape, 3) for part, shape in zip(parts, self.shapes, strict=True)]
        order = sorted(range(len(crops)), key=lambda place: names_of(self.variations[place].distortions))
        variations = [self.variations[place] for place in order]
        images_NCHW = resized([crops[place] for place in order], variations, self.side)
        if any(one.distortions for one in variations):
            images_NCHW = distorted(images_NCHW, [one.distortions for one in variations])
        back_N = torch.from_numpy(np.argsort(order)).to(device, non_blocking=True)
        return images_NCHW.to(torch.uint8).index_select(0, back_N)


def crop_batch(
    crops: Sequence[Crop], labels_N: Tensor, unreadable: tuple[int, ...], allocate: Allocate = fresh
) -> CropBatch:
    """`crops` in one array."""
    pixels = allocate((sum(crop.pixels.size for crop in crops),))
    np.concatenate([crop.pixels.ravel() for crop in crops], out=pixels)
    shapes = tuple((crop.pixels.shape[0], crop.pixels.shape[1]) for crop in crops)
    variations = tuple(crop.variation for crop in crops)
    return CropBatch(torch.from_numpy(pixels), shapes, variations, crops[0].side, labels_N, unreadable)
