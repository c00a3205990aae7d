"""Batches for evaluation: of each image one view or several, for one network or for several of other input sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from inceptionctl.data.batch_memory import Allocate, fresh, stacked
from inceptionctl.data.images import IGNORED, Images, Input, Unreadable
from inceptionctl.data.order import Key
from inceptionctl.data.variation import AnyCrop
from inceptionctl.errors import DataError


@dataclass(frozen=True)
class ViewBatch:
    """`views`: for each input size of the networks, views_NVCHW, uint8; `indices_N`: places of the images in their set;
    `read_N`: whether an image could be read, otherwise grey stands in for it; `counted_N`: whether it counts."""

    views: tuple[Tensor, ...]
    indices_N: Tensor
    read_N: Tensor
    counted_N: Tensor

    def pin_memory(self) -> ViewBatch:
        return ViewBatch(
            tuple(view.pin_memory() for view in self.views), self.indices_N, self.read_N, self.counted_N
        )  # fmt: skip


@dataclass(frozen=True)
class ViewSample:
    """`views`: for each input size, uint8, (V, height, width, 3)."""

    views: tuple[np.ndarray, ...]
    index: int
    read: bool = True
    counted: bool = True


class ViewSamples(Dataset[ViewSample | DataError]):
    """Errors are returned, not raised: torch would raise them again with the traceback as their message."""

    def __init__(self, images: Images) -> None:
        self.images = images

    def __getitem__(self, key: Key) -> ViewSample | DataError:
        try:
            return ViewSample(_views(self.images.image(*key)), key[1])
        except Unreadable as found:
            counted = found.label != IGNORED
            return ViewSample(_views(found.image), key[1], read=counted and not found.wrong, counted=counted)
        except DataError as error:
            return error


def _views(image: Input) -> tuple[np.ndarray, ...]:
    assert not isinstance(image, AnyCrop), "images to evaluate on are whole"
    return tuple(map(views_of, image if isinstance(image, tuple) else (image,)))


def views_of(image: np.ndarray) -> np.ndarray:
    """(V, height, width, 3), from that or from the single view (height, width, 3)."""
    return image if image.ndim == 4 else image[None]


def collate_views(samples: list[ViewSample | DataError], allocate: Allocate = fresh) -> ViewBatch | DataError:
    """The batch, or the first error in it."""
    read = [sample for sample in samples if isinstance(sample, ViewSample)]
    if len(read) < len(samples):
        return next(sample for sample in samples if isinstance(sample, DataError))
    views = [
        torch.from_numpy(stacked(arrays, allocate)) for arrays in zip(*(sample.views for sample in read), strict=True)
    ]
    flags = [
        torch.tensor(values)
        for values in zip(*((sample.index, sample.read, sample.counted) for sample in read), strict=True)
    ]
    return ViewBatch(tuple(view.permute(0, 1, 4, 2, 3) for view in views), *flags)
