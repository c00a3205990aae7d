"""Batches for training and evaluation, read by torch's DataLoader in the order of `data.order`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from inceptionctl.data.batch_memory import Allocate, stacked
from inceptionctl.data.decoded.for_device import ForDevice
from inceptionctl.data.device.crops import CropBatch, crop_batch
from inceptionctl.data.file_images import FileImages
from inceptionctl.data.images import Images, Input, Unreadable
from inceptionctl.data.order import Key, shard, training_batches
from inceptionctl.data.reading import NEVER, Reading
from inceptionctl.data.variation import AnyCrop
from inceptionctl.data.view_batches import ViewBatch, ViewSamples, collate_views
from inceptionctl.data.workers import Workers
from inceptionctl.errors import DataError, warn

S = TypeVar("S")  # sample
T = TypeVar("T")  # batch


@dataclass(frozen=True)
class Batch:
    """`images_NCHW` uint8, `labels_N` int64. `unreadable`: places in the set of the images that could not be read: each
    is replaced by another one or has the label IGNORED."""

    images_NCHW: Tensor
    labels_N: Tensor
    unreadable: tuple[int, ...] = ()

    def pin_memory(self) -> Batch:
        return Batch(self.images_NCHW.pin_memory(), self.labels_N.pin_memory(), self.unreadable)


TrainingBatch = Batch | CropBatch  # the latter of images that are augmented on the device


@dataclass(frozen=True)
class Sample:
    """`image` uint8, (height, width, 3), or a crop; `unreadable`: the place of the image if it could not be read."""

    image: Input
    label: int
    unreadable: int | None = None


@dataclass(frozen=True)
class Loader:
    """Reads the batches of `rank` of `world_size`. `workers`: processes that read (0: this one); `pin`: batches are
    copied to page-locked memory, for a GPU; `report` is called with the death of a worker; `timeout`: seconds after
    which a batch of workers is not waited for any more, or NEVER.

    Batches are the same for every number of workers. They raise DataError for an image that cannot be read, when
    workers keep dying, and when one waits for a file: the message names it.
    """

    workers: int = 0
    pin: bool = False
    rank: int = 0
    world_size: int = 1
    report: Callable[[str], None] = warn
    timeout: float = NEVER

    def training(
        self, images: Images, batch_size: int, seed: int, steps: range, accumulation_steps: int = 1
    ) -> Iterator[TrainingBatch]:
        """`accumulation_steps` micro-batches for each of `steps` of `batch_size` images over all ranks. Raises
        DataError for a micro-batch without an image that can be read: it has no gradient."""

        def keys(number: int) -> Iterator[list[Key]]:
            step, part = divmod(number, accumulation_steps)
            batches = training_batches(len(images), batch_size, seed, step, steps.stop)
            parts = (shard(batch, self.rank, self.world_size, accumulation_steps) for batch in batches)
            return islice(chain.from_iterable(parts), part, None)

        first, cached = steps.start * accumulation_steps, _cached(images)
        batches: Iterator[TrainingBatch] = self._read(images, _Samples(images), _collate, keys, first)
        for batch in batches:
            if batch.unreadable and bool((batch.labels_N < 0).all()):
                raise DataError(f"none of the {len(batch.labels_N)} images of a batch can be read")
            yield replace(batch, cached=cached) if isinstance(batch, CropBatch) else batch

    def evaluation(self, images: Images, batches: Sequence[range]) -> Iterator[ViewBatch]:
        """The images of `batches` by their indices, each once."""

        def keys(number: int) -> Iterator[list[Key]]:
            return ([(0, index) for index in batch] for batch in batches[number:])

        return self._read(images, ViewSamples(images), collate_views, keys, 0)

    def _read(
        self,
        images: Images,
        samples: Dataset[S],
        collate: Callable[[list[S], Allocate], T | DataError],
        keys: Callable[[int], Iterator[list[Key]]],
        number: int,
    ) -> Iterator[T]:
        """The batches of `keys` from `number` on."""
        reading = Reading(samples, self.workers, images.name, self.timeout)
        for batch in Workers(reading, collate, self.workers, self.pin, self.report).read(keys, number):
            if isinstance(batch, DataError):
                raise batch
            yield batch


class _Samples(Dataset[Sample | DataError]):
    """Errors are returned, not raised: torch would raise them again with the traceback as their message."""

    def __init__(self, images: Images) -> None:
        self.images, self.labels_N = images, images.labels_N

    def __getitem__(self, key: Key) -> Sample | DataError:
        try:
            return Sample(self.images.image(*key), int(self.labels_N[key[1]]))
        except Unreadable as found:
            return Sample(found.image, found.label, unreadable=key[1])
        except DataError as error:
            return error


def _cached(images: Images) -> ForDevice | None:
    """What the rank holds on its device of `images`. Batches of workers come without it."""
    cached = images.cached if isinstance(images, FileImages) else None
    return cached if isinstance(cached, ForDevice) else None


def _collate(samples: list[Sample | DataError], allocate: Allocate) -> TrainingBatch | DataError:
    """The batch, or the first error in it."""
    read = [sample for sample in samples if isinstance(sample, Sample)]
    if len(read) < len(samples):
        return next(sample for sample in samples if isinstance(sample, DataError))
    labels_N = torch.tensor([sample.label for sample in read])
    unreadable = tuple(sample.unreadable for sample in read if sample.unreadable is not None)
    if crops := [sample.image for sample in read if isinstance(sample.image, AnyCrop)]:
        return crop_batch(crops, labels_N, unreadable, allocate)
    images_NHWC = stacked([np.asarray(sample.image) for sample in read], allocate)
    return Batch(torch.from_numpy(images_NHWC).permute(0, 3, 1, 2), labels_N, unreadable)
