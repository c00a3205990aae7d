"""Which images are read in which order: pure functions of (seed, epoch, step), the same for any number of workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

ORDER, IMAGE = 0, 1  # independent streams of random numbers
Key = tuple[int, int]  # (epoch, index) of an image


def generator(seed: int, epoch: int, index: int = 0, stream: int = IMAGE) -> np.random.Generator:
    """Random numbers of one image in one epoch; counter-based, so that no state is carried."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch], counter=[0, 0, stream, index]))


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


def share(images: int, rank: int, world: int) -> range:
    """The indices that `rank` of `world` evaluates: consecutive, and each image on one rank."""
    return range(rank * images // world, (rank + 1) * images // world)


def evaluation_batches(indices: range, batch: int) -> Iterator[list[Key]]:
    """Every image once, in order; the last batch may be smaller."""
    for start in range(0, len(indices), batch):
        yield [(0, index) for index in indices[start : start + batch]]
