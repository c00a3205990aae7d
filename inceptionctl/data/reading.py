"""Which image each worker is reading: a file system that hangs is then told from slow work, with the file's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from mmap import mmap
from typing import TypeVar

import numpy as np
from torch.utils.data import Dataset, get_worker_info

from inceptionctl.data.order import Key
from inceptionctl.errors import DataError

NEVER = 0.0  # as torch's DataLoader has it
NOTHING = -1
S = TypeVar("S")


@dataclass(frozen=True)
class Request:
    """To read a batch, and to write it to `slot` of a BatchMemory."""

    slot: int | None
    keys: list[Key]


class Reading(Dataset[S]):
    """`samples`, read by `workers` processes. `name_of`: an image in messages; `timeout`: in seconds, of a batch."""

    def __init__(self, samples: Dataset[S], workers: int, name_of: Callable[[int], str], timeout: float) -> None:
        self.samples, self.name_of, self.timeout = samples, name_of, timeout if workers else NEVER
        # Shared by fork, and not a file of /dev/shm, which may be full.
        self.index_W = np.frombuffer(mmap(-1, max(workers, 1) * np.dtype(np.int64).itemsize), np.int64)
        self.index_W[:] = NOTHING

    def __getitems__(self, request: Request) -> tuple[int | None, list[S]]:
        """The name by which torch asks for a whole batch."""
        return request.slot, [self[key] for key in request.keys]

    def __getitem__(self, key: Key) -> S:
        worker = get_worker_info()
        if worker is None:
            return self.samples[key]
        self.index_W[worker.id] = key[1]
        sample = self.samples[key]
        self.index_W[worker.id] = NOTHING
        return sample

    def stalled(self) -> DataError:
        """What to say once no batch has come for `timeout` seconds."""
        names = [self.name_of(index) for index in self.index_W.tolist() if index != NOTHING]
        what = f"still being read: {', '.join(names)}" if names else "no image is being read"
        return DataError(
            f"the data workers have given no batch for {self.timeout:g} s; {what}\n"
            "  does the file system respond? launch.hang_timeout is twice this time"
        )
