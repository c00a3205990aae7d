"""The processes that read images: torch's DataLoader, restarted when one of its workers dies."""

from __future__ import annotations

import atexit
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import active_children, get_context
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader, get_worker_info

from inceptionctl.data.order import Key
from inceptionctl.data.reading import Reading
from inceptionctl.errors import DataError

RESTARTS = 3  # in one pass; whatever kills workers more often will not stop
REAP_S = 1.0  # from a worker's broken connection to its exit code
FULL_ADVICE = "enlarge /dev/shm (docker run --shm-size=8g) or set data.workers=0"
S = TypeVar("S")  # sample
T = TypeVar("T")  # batch


@dataclass(frozen=True)
class Workers(Generic[S, T]):
    """`count` processes (0: this one) that read samples and `collate` those of a batch. `pin`: copy batches to
    page-locked memory, for a GPU. `report` is called when a process has died."""

    samples: Reading[S]
    collate: Callable[[list[S]], T]
    count: int
    pin: bool
    report: Callable[[str], None]

    def read(self, keys: Callable[[int], Iterator[list[Key]]], number: int) -> Iterator[T]:
        """The batches from `number` on. `keys` is a pure function: when a worker dies, new ones continue at the batch
        that is due. Raises DataError when that happens too often, and when no batch comes in time."""
        deaths = 0
        while True:
            running = self._start(keys(number))
            # At exit, Python sends SIGTERM, which workers ignore, and waits for them: for ever, where an exception that
            # ends the process holds the iterator.
            end = partial(_kill, running.processes)
            atexit.register(end)
            try:
                for batch in running.batches:
                    yield batch
                    number += 1
                atexit.unregister(end)
                return
            except GeneratorExit:
                atexit.unregister(end)
                if not all(process.is_alive() for process in running.processes):
                    running.kill()
                raise
            except Exception as error:  # of any kind: a dead worker may show as a broken connection
                death = running.death()
                if not death and not _timed_out(error):
                    raise
                running.kill()
                if not death:
                    raise self.samples.stalled() from error
            deaths += 1
            if deaths > RESTARTS:
                raise DataError(f"{death}, {deaths} times in one pass; try fewer data.workers")
            self.report(f"{death}; restarting the workers at batch {number}")

    def _start(self, keys: Iterator[list[Key]]) -> _Running[T]:
        loader = DataLoader(
            self.samples,
            batch_sampler=keys,
            collate_fn=self.collate,
            num_workers=self.count,
            multiprocessing_context="fork" if self.count else None,  # cheap, and torch's own choice on Linux
            worker_init_fn=_begin if self.count else None,
            pin_memory=self.pin,
            timeout=self.samples.timeout,
            generator=torch.Generator(),  # a loader draws a seed, and the global generator is the model's
        )
        others, handler = active_children(), signal.getsignal(signal.SIGCHLD)
        try:
            batches = iter(loader)
        except OSError as error:
            raise DataError(f"data workers cannot be started: {error}; {FULL_ADVICE}") from error
        if signal.getsignal(signal.SIGCHLD) is not handler:  # torch's handler would raise in the middle of a step
            signal.signal(signal.SIGCHLD, handler)
        return _Running(batches, [process for process in active_children() if process not in others])


@dataclass(frozen=True)
class _Running(Generic[T]):
    """A running DataLoader and its processes."""

    batches: Iterator[T]
    processes: list[BaseProcess]

    def death(self) -> str | None:
        """How a process died, by signal or exit code; None if all are alive."""
        gone = wait([process.sentinel for process in self.processes], REAP_S) if self.processes else []
        if not gone:
            return None
        dead = next(process for process in self.processes if process.sentinel in gone)
        dead.join()
        code = dead.exitcode or 0
        if code >= 0:
            return f"a data worker exited with code {code}"
        hint = ", out of memory?" if -code == signal.SIGKILL else ""
        return f"a data worker was killed (signal {-code}{hint})"

    def kill(self) -> None:
        """Kills the processes that are left. As the iterator goes, torch sets an event for them, and would wait for
        ever if one was killed while it held the event's lock: the event is replaced."""
        _kill(self.processes)
        self.batches._workers_done_event = get_context("fork").Event()  # type: ignore[attr-defined]


def _kill(processes: Sequence[BaseProcess]) -> None:
    """Kills the processes that are left: one could wait for ever for a lock that a dead one held."""
    for process in processes:
        process.kill()
        process.join()


def _timed_out(error: Exception) -> bool:
    """Torch has no class for it."""
    return isinstance(error, RuntimeError) and "timed out" in str(error)


def shared(tensors: Sequence[Tensor]) -> DataError | None:
    """In a worker, moves what a batch consists of to the shared memory through which the rank gets it: an error if that
    is full. Later, in a thread of the queue, torch would drop the batch and the rank wait for ever."""
    if get_worker_info():
        try:
            for tensor in tensors:
                tensor.share_memory_()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            return DataError(f"a batch does not fit into shared memory: {error}; {FULL_ADVICE}")
    return None


def _begin(_: int) -> None:
    """One thread for each worker; signals to stop are meant for the rank, which ends its workers itself."""
    torch.set_num_threads(1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
