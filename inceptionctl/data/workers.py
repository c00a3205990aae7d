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
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
from time import monotonic
from typing import Generic, TypeVar

import torch
from torch.utils.data import DataLoader, get_worker_info

from inceptionctl.data.batch_memory import Allocate, BatchMemory, Message, Writer
from inceptionctl.data.order import Key
from inceptionctl.data.reading import Reading, Request
from inceptionctl.errors import DataError

RESTARTS = 3  # in one pass; whatever kills workers more often will not stop
CHECK_S = 5.0  # how often is looked for dead processes while no batch comes
REAP_S = 1.0  # from a worker's broken connection to its exit code
FULL_ADVICE = "free or enlarge /dev/shm (docker run --shm-size=1g) or set data.workers=0"
PREFETCHED = 2  # batches of each worker
HELD = 4  # batches that a rank may keep before further ones come through a pipe
S = TypeVar("S")  # sample
T = TypeVar("T")  # batch


@dataclass(frozen=True)
class Workers(Generic[S, T]):
    """`count` processes (0: this one) that read samples and `collate` those of a batch, in arrays that it is given.
    `pin`: copy batches to page-locked memory, for a GPU. `report` is called when a process has died."""

    samples: Reading[S]
    collate: Callable[[list[S], Allocate], T]
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
                for found in running.until(self.samples.timeout):
                    yield found.batch() if isinstance(found, Message) else found
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
        memory = BatchMemory(_slots(self.count))
        requests = (Request(memory.take(), batch) for batch in keys)
        loader = DataLoader(
            self.samples,
            batch_sampler=requests,  # type: ignore[arg-type]  # what `samples` understands
            collate_fn=partial(_collated, self.collate, memory),
            num_workers=self.count,
            prefetch_factor=PREFETCHED if self.count else None,
            multiprocessing_context="fork" if self.count else None,  # cheap, and torch's own choice on Linux
            worker_init_fn=_begin if self.count else None,
            pin_memory=self.pin,
            timeout=min(CHECK_S, self.samples.timeout),
            generator=torch.Generator(),  # a loader draws a seed, and the global generator is the model's
        )
        others, handler = active_children(), signal.getsignal(signal.SIGCHLD)
        try:
            batches = iter(loader)
        except OSError as error:
            raise DataError(f"data workers cannot be started: {error}; {FULL_ADVICE}") from error
        if signal.getsignal(signal.SIGCHLD) is not handler:  # torch's handler would raise in the middle of a step
            signal.signal(signal.SIGCHLD, handler)
        return _Running(batches, memory, [process for process in active_children() if process not in others])


@dataclass(frozen=True)
class _Running(Generic[T]):
    """A running DataLoader and its processes, which write what they read to `memory`."""

    batches: Iterator[T | Message[T]]
    memory: BatchMemory
    processes: list[BaseProcess]

    def until(self, timeout: float) -> Iterator[T | Message[T]]:
        """The batches. Raises torch's error when a process has died, and when no batch has come for `timeout` seconds.
        Torch by itself would look for dead processes only then."""
        begun = monotonic()
        while True:
            try:
                found = next(self.batches)
            except StopIteration:
                return
            except RuntimeError as error:
                if not _timed_out(error) or self.death() or monotonic() - begun >= timeout:
                    raise
                continue
            yield found
            begun = monotonic()

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


def _slots(workers: int) -> int:
    """Batches that are on their way or held; fewer where few files may be open: each slot is two in every process."""
    most, _ = getrlimit(RLIMIT_NOFILE)
    wanted = PREFETCHED * workers + HELD if workers else 0
    return wanted if most == RLIM_INFINITY else min(wanted, most // 8)


def _collated(
    collate: Callable[[list[S], Allocate], T], memory: BatchMemory, read: tuple[int | None, list[S]]
) -> T | Message[T]:
    """The batch of what was read for a request; in a worker, as its message."""
    slot, samples = read
    writer = Writer(memory, slot)
    batch = collate(samples, writer.empty)
    return writer.message(batch) if get_worker_info() else batch


def _begin(_: int) -> None:
    """One thread for each worker; signals to stop are meant for the rank, which ends its workers itself."""
    torch.set_num_threads(1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
