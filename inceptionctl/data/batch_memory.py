"""The memory through which data workers hand batches to their rank; each piece of it is used again and again.

Torch would take fresh memory for each batch, whose pages cost more time than reading the images of small ones, and take
it from /dev/shm, which has 64 MB in a container.
"""

from __future__ import annotations

import os
import pickle
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from math import prod
from mmap import mmap
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

ALIGNMENT = 64  # bytes; more than any type of number needs
NUMBERS = count()  # of the memories of a process
T = TypeVar("T")  # batch
Allocate = Callable[[tuple[int, ...]], np.ndarray]  # an array of uint8 of a shape, with any values


class BatchMemory:
    """`slots` pieces of memory, each of them for one batch and as large as the largest that was written to it. Made
    before workers are forked, which share it. A rank takes a slot for each batch that it asks a worker for; the slot is
    free again once nothing in the rank refers to the batch."""

    def __init__(self, slots: int) -> None:
        self.number = next(NUMBERS)
        # Files without a folder, which count as memory of the processes. Other systems than Linux have none.
        self.files = [os.memfd_create("batch") for _ in range(slots)] if hasattr(os, "memfd_create") else []
        self.maps: list[mmap | None] = [None] * len(self.files)
        self.free = deque(range(len(self.files)))
        weakref.finalize(self, _close, self.files)
        MEMORIES[self.number] = self

    def take(self) -> int | None:
        """A slot that is free, the last used one first; None without one: the batch then comes through a pipe."""
        return self.free.pop() if self.free else None

    def bytes(self, slot: int, size: int) -> np.ndarray:
        """The first `size` bytes of a slot. Raises OSError where the slot cannot have that size."""
        mapped = self.maps[slot]
        if mapped is None or len(mapped) < size:
            if os.fstat(self.files[slot]).st_size < size:
                os.ftruncate(self.files[slot], size)
            mapped = self.maps[slot] = mmap(self.files[slot], 0)
        return np.frombuffer(mapped, np.uint8, size)

    def written(self, slot: int, size: int) -> Tensor | None:
        """What a worker wrote to a slot, which is free again once nothing refers to it; None if that is nothing."""
        if not size:
            self.free.append(slot)
            return None
        array = self.bytes(slot, size)
        weakref.finalize(array, self.free.append, slot).atexit = False
        return torch.from_numpy(array)


MEMORIES = weakref.WeakValueDictionary[int, BatchMemory]()  # of this process


@dataclass(frozen=True)
class Message(Generic[T]):
    """What a worker sends: a batch, without the `size` bytes of its tensors that it wrote to `slot` of a memory."""

    memory: int
    slot: int | None
    size: int
    pickled: bytes

    def batch(self) -> T:
        """In the rank, the batch; its tensors lie where the worker wrote them."""
        written = None if self.slot is None else MEMORIES[self.memory].written(self.slot, self.size)
        batch: T = _Unpickler(BytesIO(self.pickled), written).load()
        return batch

    def pin_memory(self) -> T:
        """Called by torch in a thread of its own: the batch in page-locked memory."""
        batch = self.batch()
        pinned: T = batch.pin_memory() if hasattr(batch, "pin_memory") else batch
        return pinned


class Writer:
    """In a worker, the arrays of a batch in `slot` of `memory`; without a slot, in memory of the process."""

    def __init__(self, memory: BatchMemory, slot: int | None) -> None:
        self.memory, self.slot, self.size = memory, slot, 0
        self.offsets: dict[int, int] = {}  # in the slot, by address

    def empty(self, shape: tuple[int, ...]) -> np.ndarray:
        """An array of uint8 of `shape`, with any values."""
        begin = -(-self.size // ALIGNMENT) * ALIGNMENT
        end = begin + prod(shape)
        if self.slot is None or begin == end:
            return fresh(shape)
        array = self.memory.bytes(self.slot, end)[begin:].reshape(shape)
        self.offsets[array.ctypes.data], self.size = begin, end
        return array

    def message(self, batch: T) -> Message[T]:
        """To the rank."""
        pickled = BytesIO()
        _Pickler(pickled, self.offsets).dump(batch)
        return Message(self.memory.number, self.slot, self.size, pickled.getvalue())


def fresh(shape: tuple[int, ...]) -> np.ndarray:
    """An array in memory of the process."""
    return np.empty(shape, np.uint8)


def stacked(arrays: Sequence[np.ndarray], allocate: Allocate) -> np.ndarray:
    """One array of uint8 arrays of one shape."""
    return np.stack(arrays, out=allocate((len(arrays), *arrays[0].shape)))


@dataclass(frozen=True)
class _Place:
    """Of a tensor in a slot."""

    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Pickler(pickle.Pickler):
    """Of a worker's own batch. Tensors in the slot are sent as their places, others as arrays."""

    def __init__(self, file: BytesIO, offsets: dict[int, int]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.offsets = offsets

    def persistent_id(self, value: object) -> _Place | np.ndarray | None:
        if not isinstance(value, Tensor):
            return None
        offset = self.offsets.get(value.data_ptr())
        return value.numpy() if offset is None else _Place(offset, tuple(value.shape), value.stride())


class _Unpickler(pickle.Unpickler):
    """`slot_B`: the bytes of the slot."""

    def __init__(self, file: BytesIO, slot_B: Tensor | None) -> None:
        super().__init__(file)
        self.slot_B = slot_B

    def persistent_load(self, found: _Place | np.ndarray) -> Tensor:
        if isinstance(found, np.ndarray):
            return torch.from_numpy(found)
        assert self.slot_B is not None
        return self.slot_B.as_strided(found.shape, found.strides, found.offset)


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)
