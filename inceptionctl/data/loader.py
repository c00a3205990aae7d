"""Batches for training and evaluation, read by torch's DataLoader in the order of `data.order`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from inceptionctl.data.images import Images, Input, Unreadable
from inceptionctl.data.order import Key, evaluation_batches, shard, share, training_batches
from inceptionctl.data.workers import FULL_ADVICE, Workers
from inceptionctl.errors import DataError, warn


@dataclass(frozen=True)
class Batch:
    """`images_NCHW` uint8, `labels_N` int64. `unreadable` images of it could not be read: each is replaced by another
    one or has the label IGNORED."""

    images_NCHW: Tensor
    labels_N: Tensor
    unreadable: int = 0

    def pin_memory(self) -> Batch:
        return Batch(self.images_NCHW.pin_memory(), self.labels_N.pin_memory(), self.unreadable)


@dataclass(frozen=True)
class Sample:
    """`image` uint8, (height, width, 3)."""

    image: Input
    label: int
    unreadable: bool = False


@dataclass(frozen=True)
class Loader:
    """Reads the batches of `rank` of `world_size`. `workers`: processes that read (0: this one); `pin`: batches are
    copied to page-locked memory, for a GPU; `report` is called with the death of a worker.

    Batches are the same for every number of workers. They raise DataError for an image that cannot be read and when
    workers keep dying.
    """

    workers: int = 0
    pin: bool = False
    rank: int = 0
    world_size: int = 1
    report: Callable[[str], None] = warn

    def training(
        self, images: Images, batch_size: int, seed: int, steps: range, accumulation_steps: int = 1
    ) -> Iterator[Batch]:
        """`accumulation_steps` micro-batches for each of `steps` of `batch_size` images over all ranks. Raises
        DataError for a micro-batch without an image that can be read: it has no gradient."""

        def keys(number: int) -> Iterator[list[Key]]:
            step, part = divmod(number, accumulation_steps)
            batches = training_batches(len(images), batch_size, seed, step, steps.stop)
            parts = (shard(batch, self.rank, self.world_size, accumulation_steps) for batch in batches)
            return islice(chain.from_iterable(parts), part, None)

        for batch in self._read(images, keys, steps.start * accumulation_steps):
            if batch.unreadable and bool((batch.labels_N < 0).all()):
                raise DataError(f"none of the {len(batch.labels_N)} images of a batch can be read")
            yield batch

    def evaluation(self, images: Images, batch_size: int, count: int) -> Iterator[Batch]:
        """This rank's share of the first `count` images (`order.share`), in order, each once."""
        indices = share(min(count, len(images)), self.rank, self.world_size)

        def keys(number: int) -> Iterator[list[Key]]:
            return evaluation_batches(indices[number * batch_size :], batch_size)

        return self._read(images, keys, 0)

    def _read(self, images: Images, keys: Callable[[int], Iterator[list[Key]]], number: int) -> Iterator[Batch]:
        """The batches of `keys` from `number` on."""
        for batch in Workers(_Samples(images), _collate, self.workers, self.pin, self.report).read(keys, number):
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
            return Sample(found.image, found.label, unreadable=True)
        except DataError as error:
            return error


def _collate(samples: list[Sample | DataError]) -> Batch | DataError:
    """The batch, or the first error in it; in a worker, in the shared memory through which the rank gets it."""
    read = [sample for sample in samples if isinstance(sample, Sample)]
    if len(read) < len(samples):
        return next(sample for sample in samples if isinstance(sample, DataError))
    images_NHWC = torch.from_numpy(np.stack([sample.image for sample in read]))
    labels_N = torch.tensor([sample.label for sample in read])
    if get_worker_info():
        try:  # later, in a thread of the queue, torch would drop the batch and the rank wait for ever
            for tensor in (images_NHWC, labels_N):
                tensor.share_memory_()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            return DataError(f"a batch does not fit into shared memory: {error}; {FULL_ADVICE}")
    return Batch(images_NHWC.permute(0, 3, 1, 2), labels_N, sum(sample.unreadable for sample in read))
