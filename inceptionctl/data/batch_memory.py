"""The memory through which data workers hand batches to their rank; each piece of it is used again and again.

Torch would take fresh memory for each batch, whose pages cost more time than reading the images of small ones, and take
it from /dev/shm, which has 64 MB in a container.
"""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import count
from math import prod
from mmap import mmap
from typing import Any, Generic, TypeVar

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
class InSlot:
    """A tensor of uint8 on its way: where it lies in the slot of its batch."""

    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def tensor(self, slot_B: Tensor | None) -> Tensor:
        assert slot_B is not None, "something lies in the slot"
        return slot_B.as_strided(self.shape, self.strides, self.offset)


@dataclass(frozen=True)
class InMessage:
    """Any other tensor on its way."""

    array: np.ndarray

    def tensor(self, _: Tensor | None) -> Tensor:
        return torch.from_numpy(self.array)


@dataclass(frozen=True)
class Message(Generic[T]):
    """What a worker sends: a batch with InSlot and InMessage in place of its tensors, of which `size` bytes lie in
    `slot` of a memory."""

    memory: int
    slot: int | None
    size: int
    sent: T

    def batch(self) -> T:
        """In the rank, the batch; its tensors lie where the worker wrote them."""
        slot_B = None if self.slot is None else MEMORIES[self.memory].written(self.slot, self.size)
        return _changed(self.sent, InSlot | InMessage, lambda found: found.tensor(slot_B))

    def pin_memory(self) -> T:
        """Called by torch in a thread of its own: the batch in page-locked memory."""
        batch = self.batch()
        pinned: T = batch.pin_memory() if hasattr(batch, "pin_memory") else batch
        return pinned


class Writer:
    """In a worker, the arrays of a batch in `slot` of `memory`; in memory of the process without a slot, and for what
    a slot cannot hold."""

    def __init__(self, memory: BatchMemory, slot: int | None) -> None:
        self.memory, self.slot, self.size = memory, slot, 0
        self.offsets: dict[int, int] = {}  # in the slot, by address

    def empty(self, shape: tuple[int, ...]) -> np.ndarray:
        """An array of uint8 of `shape`, with any values."""
        begin = -(-self.size // ALIGNMENT) * ALIGNMENT
        end = begin + prod(shape)
        if self.slot is None or begin == end:
            return fresh(shape)
        try:
            array = self.memory.bytes(self.slot, end)[begin:].reshape(shape)
        except OSError:  # the size of files may be limited (ulimit -f): what lies in no slot comes through the pipe
            return fresh(shape)
        self.offsets[array.ctypes.data], self.size = begin, end
        return array

    def message(self, batch: T) -> Message[T]:
        """To the rank."""
        return Message(self.memory.number, self.slot, self.size, _changed(batch, Tensor, self._sent))

    def _sent(self, tensor: Tensor) -> InSlot | InMessage:
        offset = self.offsets.get(tensor.data_ptr())
        return InMessage(tensor.numpy()) if offset is None else InSlot(offset, tuple(tensor.shape), tensor.stride())


def fresh(shape: tuple[int, ...]) -> np.ndarray:
    """An array in memory of the process."""
    return np.empty(shape, np.uint8)


def stacked(arrays: Sequence[np.ndarray], allocate: Allocate) -> np.ndarray:
    """One array of uint8 arrays of one shape."""
    return np.stack(arrays, out=allocate((len(arrays), *arrays[0].shape)))


def _changed(batch: T, kind: Any, change: Callable[[Any], object]) -> T:  # noqa: ANN401  a type, or several
    """A batch, which is a dataclass, with each field that is of `kind`, or a tuple of such, changed. An error has
    none."""
    if not is_dataclass(batch) or isinstance(batch, type):
        return batch
    changes = dict[str, object]()
    for item in fields(batch):
        value = getattr(batch, item.name)
        if isinstance(value, kind):
            changes[item.name] = change(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], kind):
            changes[item.name] = tuple(map(change, value))
    return replace(batch, **changes)


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)
