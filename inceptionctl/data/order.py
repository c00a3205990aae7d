"""Which pictures, in which order: pure functions of (seed, epoch, step), whatever the number of workers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

ORDER, PICTURE = 0, 1  # streams that never meet


def generator(seed: int, epoch: int, index: int = 0, stream: int = PICTURE) -> np.random.Generator:
    """Random numbers that belong to one picture of one epoch (counter-based, so no state is carried)."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch], counter=[0, 0, stream, index]))


def epoch_order(images: int, seed: int, epoch: int) -> np.ndarray:
    """The permutation of an epoch, (images,)."""
    return generator(seed, epoch, stream=ORDER).permutation(images)


def training_batches(images: int, batch: int, seed: int, first: int, last: int) -> Iterator[list[tuple[int, int]]]:
    """The (epoch, index) pairs of steps `first` to `last` - 1. What is left of an epoch after whole batches is skipped;
    which pictures these are changes with the epoch."""
    steps = images // batch
    order, current = np.empty(0, dtype=int), -1
    for step in range(first, last):
        epoch, position = divmod(step, steps)
        if epoch != current:
            order, current = epoch_order(images, seed, epoch), epoch
        yield [(epoch, int(index)) for index in order[position * batch : (position + 1) * batch]]


def evaluation_batches(images: int, batch: int) -> Iterator[list[tuple[int, int]]]:
    """Every picture once, in order; the last batch may be short."""
    for start in range(0, images, batch):
        yield [(0, index) for index in range(start, min(start + batch, images))]
