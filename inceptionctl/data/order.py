"""Which pictures, in which order: pure functions of (seed, epoch, step), whatever the number of workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

ORDER, PICTURE = 0, 1  # streams that never meet
Key = tuple[int, int]  # (epoch, index) of a picture


def generator(seed: int, epoch: int, index: int = 0, stream: int = PICTURE) -> np.random.Generator:
    """Random numbers that belong to one picture of one epoch (counter-based, so no state is carried)."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch], counter=[0, 0, stream, index]))


def epoch_order(images: int, seed: int, epoch: int) -> np.ndarray:
    """The permutation of an epoch, (images,)."""
    return generator(seed, epoch, stream=ORDER).permutation(images)


def training_batches(images: int, batch: int, seed: int, first: int, last: int) -> Iterator[list[Key]]:
    """The (epoch, index) pairs of steps `first` to `last` - 1. What is left of an epoch after whole batches is skipped;
    which pictures these are changes with the epoch."""
    steps = images // batch
    order, current = np.empty(0, dtype=int), -1
    for step in range(first, last):
        epoch, position = divmod(step, steps)
        if epoch != current:
            order, current = epoch_order(images, seed, epoch), epoch
        yield [(epoch, int(index)) for index in order[position * batch : (position + 1) * batch]]


def shard(keys: Sequence[Key], rank: int, world: int, accumulate: int) -> list[list[Key]]:
    """What `rank` of `world` reads of a global batch, one after the other: the batch is cut into `accumulate` x `world`
    equal runs, so that the pictures of a rank are consecutive. Raises ValueError where it does not come out even."""
    size, rest = divmod(len(keys), world * accumulate)
    if rest:
        raise ValueError(f"a batch of {len(keys)} cannot be cut into {world} x {accumulate} equal parts")
    starts = range(rank * accumulate * size, (rank + 1) * accumulate * size, size)
    return [list(keys[start : start + size]) for start in starts]


def share(images: int, rank: int, world: int) -> range:
    """The indices that `rank` of `world` evaluates: consecutive, and each picture on one rank."""
    return range(rank * images // world, (rank + 1) * images // world)


def evaluation_batches(indices: range, batch: int) -> Iterator[list[Key]]:
    """Every picture once, in order; the last batch may be short."""
    for start in range(0, len(indices), batch):
        yield [(0, index) for index in indices[start : start + batch]]
