"""Resizes images of different sizes to one, on the device, by Pillow's filters: each of its two passes is a product of
the image with a matrix of weights, rounded to whole values as Pillow rounds. Pillow rounds its weights too, so that
values differ by 1 of 255 at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from inceptionctl.data.variation import Variation

CHUNK = 16  # images whose weights are in memory together, as wide as the widest of them needs
NEAREST = "nearest"
Filter = Callable[[Tensor], Tensor]  # of distances from the middle of a filter, in its own pixels


def triangle(distance: Tensor) -> Tensor:
    return (1 - distance.abs()).clamp_(min=0)


def box(distance: Tensor) -> Tensor:
    return ((distance > -0.5) & (distance <= 0.5)).to(distance.dtype)


def cubic(distance: Tensor) -> Tensor:
    """Keys' filter with a = -1/2."""
    x = distance.abs()
    near, far = (1.5 * x - 2.5) * x * x + 1, ((2.5 - 0.5 * x) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, 0.0))


FILTERS: dict[str, Filter] = {"bilinear": triangle, "area": box, "bicubic": cubic}


def resized(images: Sequence[Tensor], variations: Sequence[Variation], side: int) -> Tensor:
    """`images`: uint8, (height, width, 3) of each, all on one device. Gives float32, (images, 3, side, side): whole
    values from 0 to 255."""
    found_NCHW = torch.empty((len(images), 3, side, side), device=images[0].device)
    for method, places in _chunks([one.interpolation for one in variations]):
        rows, columns = _axes([images[i] for i in places], [variations[i] for i in places])
        down_NSH, across_NSW = (axis.weights(method, side, found_NCHW.device) for axis in (rows, columns))
        for i, down_SH, across_SW in zip(places, down_NSH, across_NSW, strict=True):
            height, width, _ = images[i].shape
            image_CHW = images[i].permute(2, 0, 1).to(torch.float32, memory_format=torch.contiguous_format)
            down_SH, across_WS = down_SH[:, :height], across_SW[:, :width].T
            if _rows_first(method, height, width, side):
                torch.matmul(_whole(down_SH @ image_CHW), across_WS, out=found_NCHW[i])
            else:
                torch.matmul(down_SH, _whole(image_CHW @ across_WS), out=found_NCHW[i])
    return _whole(found_NCHW)


def _rows_first(method: str, height: int, width: int, side: int) -> bool:
    """Whether the first of the two passes makes columns shorter. As Pillow 13 does, found by trying; torch, which
    resizes bilinearly in workers, makes rows shorter first. What overshoots in the first pass is cut off, so that the
    order changes cubic values by up to 14."""
    return method == "bicubic" and height > side and height + side > 2 * width


@dataclass(frozen=True)
class Axis:
    """One axis of each of several images: `extent_N` in pixels, what is resized from `begin_N` to `end_N`, and whether
    the pixels are taken from the other side."""

    extent_N: np.ndarray
    begin_N: np.ndarray
    end_N: np.ndarray
    reversed_N: np.ndarray

    def weights(self, method: str, side: int, device: torch.device) -> Tensor:
        """(N, side, largest extent), float32: of each pixel in each of `side` values. 0 beyond an image."""
        extent_N11, begin_N11, scale_N11, reversed_N11 = self._numbers(side, device)
        pixel_N1W = torch.arange(int(self.extent_N.max()), device=device, dtype=torch.float64)
        pixel_N1W = torch.where(reversed_N11 > 0, extent_N11 - 1 - pixel_N1W, pixel_N1W)
        if method == NEAREST:
            nearest_NS = torch.from_numpy(self._nearest(side)).to(device, non_blocking=True)
            return (pixel_N1W == nearest_NS[:, :, None]).to(torch.float32)
        middle_NS1 = begin_N11 + (torch.arange(side, device=device)[:, None] + 0.5) * scale_N11
        weights_NSW = FILTERS[method]((pixel_N1W + 0.5 - middle_NS1) / scale_N11.clamp(min=1))
        weights_NSW *= (pixel_N1W >= 0) & (pixel_N1W < extent_N11)
        return (weights_NSW / weights_NSW.sum(2, keepdim=True)).to(torch.float32)

    def _numbers(self, side: int, device: torch.device) -> Sequence[Tensor]:
        """In one copy, which does not wait for the device."""
        scale_N = (self.end_N - self.begin_N) / side
        numbers = np.stack([self.extent_N, self.begin_N, scale_N, self.reversed_N]).astype(np.float64)
        return torch.from_numpy(numbers[:, :, None, None]).to(device, non_blocking=True).unbind()

    def _nearest(self, side: int) -> np.ndarray:
        """The pixel of each of `side` values, (N, side). Pillow adds the steps up, and rounds as it does."""
        scale_N = (self.end_N - self.begin_N) / side
        steps_NS = np.repeat(scale_N[:, None], side, axis=1)
        steps_NS[:, 0] = self.begin_N + scale_N * 0.5
        pixels_NS: np.ndarray = np.floor(np.cumsum(steps_NS, axis=1))
        return pixels_NS


def _axes(images: Sequence[Tensor], variations: Sequence[Variation]) -> tuple[Axis, Axis]:
    """(rows, columns)."""
    sides_N2 = np.array([image.shape[:2] for image in images])
    windows = [one.window or (0, 0, width, height) for one, (height, width) in zip(variations, sides_N2, strict=True)]
    left_N, top_N, right_N, bottom_N = np.array(windows, dtype=np.float64).T
    mirrored_N = np.array([one.mirrored for one in variations])
    rows = Axis(sides_N2[:, 0], top_N, bottom_N, np.zeros_like(mirrored_N))
    return rows, Axis(sides_N2[:, 1], left_N, right_N, mirrored_N)


def _chunks(methods: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
    """The places of each method, at most CHUNK together."""
    by_method = sorted(range(len(methods)), key=lambda place: methods[place])
    for method, group in groupby(by_method, key=lambda place: methods[place]):
        places = list(group)
        for begin in range(0, len(places), CHUNK):
            yield method, places[begin : begin + CHUNK]


def _whole(values: Tensor) -> Tensor:
    return values.round_().clamp_(0, 255)
