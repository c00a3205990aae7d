"""Which images are read in which order: pure functions of (seed, epoch, step), the same for any number of workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.random.bit_generator import ISeedSequence

T = TypeVar("T")
ORDER, IMAGE = 0, 1  # independent streams of random numbers
Key = tuple[int, int]  # (epoch, index) of an image


class _Key(ISeedSequence):
    """Philox's key. Given as `key=`, NumPy asks the operating system for a seed and does not use it: 8 of 12 us."""

    def __init__(self, *words: int) -> None:
        self.words = np.array(words, np.uint64)

    def generate_state(self, n_words: int, dtype: object = np.uint64) -> np.ndarray:
        return self.words


def generator(seed: int, epoch: int, index: int = 0, stream: int = IMAGE) -> np.random.Generator:
    """Random numbers of one image in one epoch; counter-based, so that no state is carried."""
    key: Any = _Key(seed, epoch)  # the stubs of NumPy allow no other seed sequence than its own
    return np.random.Generator(np.random.Philox(key, counter=[0, 0, stream, index]))


def epoch_order(images: int, seed: int, epoch: int) -> np.ndarray:
    """The permutation of an epoch, (images,)."""
    return generator(seed, epoch, stream=ORDER).permutation(images)


def training_batches(images: int, batch: int, seed: int, first: int, last: int) -> Iterator[list[Key]]:
    """The (epoch, index) pairs of steps `first` to `last` - 1. The images of an epoch that do not fill a batch are left
    out; which these are changes with the epoch."""
    steps = images // batch
    order, current = np.empty(0, dtype=int), -1
    for step in range(first, last):
        epoch, position = divmod(step, steps)
        if epoch != current:
            order, current = epoch_order(images, seed, epoch), epoch
        yield [(epoch, int(index)) for index in order[position * batch : (position + 1) * batch]]


def shard(keys: Sequence[Key], rank: int, world: int, accumulate: int) -> list[list[Key]]:
    """The `accumulate` micro-batches of a global batch that `rank` of `world` reads, all of equal size; the images of a
    rank are consecutive. Raises ValueError where the batch cannot be divided evenly."""
    size, rest = divmod(len(keys), world * accumulate)
    if rest:
        raise ValueError(f"a batch of {len(keys)} cannot be divided into {world} x {accumulate} equal parts")
    starts = range(rank * accumulate * size, (rank + 1) * accumulate * size, size)
    return [list(keys[start : start + size]) for start in starts]


def evaluation_batches(images: int, size: int) -> list[range]:
    """The indices of each batch of a set: consecutive, and the same for any number of ranks; the last one may be
    smaller."""
    return [range(start, min(start + size, images)) for start in range(0, images, size)]


def share(batches: Sequence[T], rank: int, world: int) -> Sequence[T]:
    """The batches that `rank` of `world` evaluates: consecutive, and each on one rank; none where there are too few."""
    return batches[rank * len(batches) // world : (rank + 1) * len(batches) // world]
