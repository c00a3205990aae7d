"""Batches for training and evaluation. Torch's DataLoader reads; what it reads is decided by `order`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from inceptionctl.data.datasets import Images
from inceptionctl.data.order import evaluation_batches, training_batches

Key = tuple[int, int]  # (epoch, index)


@dataclass(frozen=True)
class Batch:
    """`images_NCHW` uint8, `labels_N` int64."""

    images_NCHW: Tensor
    labels_N: Tensor

    def pin_memory(self) -> Batch:
        return Batch(self.images_NCHW.pin_memory(), self.labels_N.pin_memory())


class _Samples(Dataset[tuple[np.ndarray, int]]):
    def __init__(self, images: Images) -> None:
        self.images, self.labels_N = images, images.labels_N

    def __getitem__(self, key: Key) -> tuple[np.ndarray, int]:
        return self.images.image(*key), int(self.labels_N[key[1]])


def training(images: Images, batch: int, seed: int, first: int, last: int, workers: int, pin: bool) -> Iterator[Batch]:
    """The batches of steps `first` to `last` - 1, the same for every number of `workers`."""
    keys = list(training_batches(len(images), batch, seed, first, last))
    return _read(images, keys, workers, pin)


def evaluation(images: Images, batch: int, count: int, workers: int, pin: bool) -> Iterator[Batch]:
    """The first `count` pictures in order, each once."""
    return _read(images, list(evaluation_batches(min(count, len(images)), batch)), workers, pin)


def _read(images: Images, keys: list[list[Key]], workers: int, pin: bool) -> Iterator[Batch]:
    loader = DataLoader(
        _Samples(images),
        batch_sampler=keys,
        collate_fn=_collate,
        num_workers=workers,
        multiprocessing_context="fork" if workers else None,  # cheap, and torch's own choice on Linux
        worker_init_fn=_start_worker if workers else None,
        pin_memory=pin,
        generator=torch.Generator(),  # its own: a loader draws a seed, and the global stream is the model's
    )
    return iter(loader)


def _collate(samples: list[tuple[np.ndarray, int]]) -> Batch:
    images_NHWC = torch.from_numpy(np.stack([image for image, _ in samples]))
    return Batch(images_NHWC.permute(0, 3, 1, 2), torch.tensor([label for _, label in samples]))


def _start_worker(_: int) -> None:
    """One thread each; the rank decides when to stop, so its workers ignore signals meant for it."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
