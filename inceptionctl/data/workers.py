"""The processes that read pictures: torch's DataLoader, started again when it loses one."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import active_children
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from inceptionctl.data.order import Key
from inceptionctl.errors import DataError

RESTARTS = 3  # in one pass: something that kills workers each time will not stop
REAP_S = 1.0  # from a worker's broken connection to its exit code
S = TypeVar("S")  # sample
T = TypeVar("T")  # batch


@dataclass(frozen=True)
class Workers(Generic[S, T]):
    """`count` processes (0: this one) that read samples and `collate` those of a batch; `pin`: into page-locked memory,
    for a GPU; `report` is told when one of them has died."""

    samples: Dataset[S]
    collate: Callable[[list[S]], T]
    count: int
    pin: bool
    report: Callable[[str], None]

    def read(self, keys: Callable[[int], Iterator[list[Key]]], number: int) -> Iterator[T]:
        """The batches from `number` on, `keys` being a pure function: when a worker dies, new ones go on at the batch
        due. Raises DataError when that happens too often."""
        deaths = 0
        while True:
            crew = self._start(keys(number))
            try:
                for batch in crew.batches:
                    yield batch
                    number += 1
                return
            except Exception:  # of any kind: a dead worker shows as a broken connection, too
                death = crew.death()
                if not death:
                    raise
                crew.kill()
            deaths += 1
            if deaths > RESTARTS:
                raise DataError(f"{death}, {deaths} times in one pass; try fewer data.workers")
            self.report(f"{death}; starting the workers again at batch {number}")

    def _start(self, keys: Iterator[list[Key]]) -> _Crew[T]:
        loader = DataLoader(
            self.samples,
            batch_sampler=keys,
            collate_fn=self.collate,
            num_workers=self.count,
            multiprocessing_context="fork" if self.count else None,  # cheap, and torch's own choice on Linux
            worker_init_fn=_begin if self.count else None,
            pin_memory=self.pin,
            generator=torch.Generator(),  # its own: a loader draws a seed, and the global stream is the model's
        )
        others, handler = active_children(), signal.getsignal(signal.SIGCHLD)
        batches = iter(loader)
        if signal.getsignal(signal.SIGCHLD) is not handler:  # torch's would raise in the middle of a step
            signal.signal(signal.SIGCHLD, handler)
        return _Crew(batches, [process for process in active_children() if process not in others])


@dataclass(frozen=True)
class _Crew(Generic[T]):
    """A DataLoader at work and its processes."""

    batches: Iterator[T]
    processes: list[BaseProcess]

    def death(self) -> str | None:
        """How a process ended, if one did: its signal or its exit code."""
        gone = wait([process.sentinel for process in self.processes], REAP_S) if self.processes else []
        if not gone:
            return None
        dead = next(process for process in self.processes if process.sentinel in gone)
        dead.join()
        code = dead.exitcode or 0
        if code >= 0:
            return f"a data worker ended with exit code {code}"
        hint = ", out of memory?" if -code == signal.SIGKILL else ""
        return f"a data worker was killed (signal {-code}{hint})"

    def kill(self) -> None:
        """Ends those that are left: one that waits for what a dead one held would wait for ever."""
        for process in self.processes:
            process.kill()
            process.join()


def _begin(_: int) -> None:
    """One thread each; the rank decides when to stop, so its workers ignore signals meant for it."""
    torch.set_num_threads(1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
