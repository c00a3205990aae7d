"""Batches for training and evaluation, read by torch's DataLoader in the order of `data.order`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from inceptionctl.data.images import Images, Unreadable
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

    image: np.ndarray
    label: int
    unreadable: bool = False


def training(
    images: Images,
    batch: int,
    seed: int,
    first: int,
    last: int,
    workers: int,
    pin: bool,
    *,
    rank: int = 0,
    world: int = 1,
    accumulate: int = 1,
    report: Callable[[str], None] = warn,
) -> Iterator[Batch]:
    """What `rank` of `world` reads for steps `first` to `last` - 1 of `batch` images: `accumulate` batches for each,
    the same for every number of `workers`. Raises DataError for an image that cannot be read, for a batch without one
    that can (it has no gradient), and when workers keep dying; each death is passed to `report`."""

    def keys(number: int) -> Iterator[list[Key]]:
        step, part = divmod(number, accumulate)
        steps = training_batches(len(images), batch, seed, step, last)
        parts = chain.from_iterable(shard(keys, rank, world, accumulate) for keys in steps)
        return islice(parts, part, None)

    for found in _read(images, keys, first * accumulate, workers, pin, report):
        if found.unreadable and bool((found.labels_N < 0).all()):
            raise DataError(f"none of the {len(found.labels_N)} images of a batch can be read")
        yield found


def evaluation(
    images: Images,
    batch: int,
    count: int,
    workers: int,
    pin: bool,
    *,
    rank: int = 0,
    world: int = 1,
    report: Callable[[str], None] = warn,
) -> Iterator[Batch]:
    """The share of `rank` among the first `count` images (`order.share`), in order, each once. Raises DataError for an
    image that cannot be read and when workers keep dying; each death is passed to `report`."""
    indices = share(min(count, len(images)), rank, world)

    def keys(number: int) -> Iterator[list[Key]]:
        return evaluation_batches(indices[number * batch :], batch)

    return _read(images, keys, 0, workers, pin, report)


def _read(
    images: Images,
    keys: Callable[[int], Iterator[list[Key]]],
    number: int,
    workers: int,
    pin: bool,
    report: Callable[[str], None],
) -> Iterator[Batch]:
    """The batches of `keys` from `number` on."""
    for batch in Workers(_Samples(images), _collate, workers, pin, report).read(keys, number):
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
