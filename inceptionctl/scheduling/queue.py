"""Runs several training runs side by side, one in each worker slot, and reports events to an observer as they happen.

A run that loses a process or hangs is started again from its last checkpoint.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Protocol

from inceptionctl.launch.local import FORK_SERVER_LOST, Worker, WorkerSlot, start
from inceptionctl.launch.watchdog import Watchdog
from inceptionctl.runs.launcher import clear_launcher, record_launcher
from inceptionctl.runs.logs import NoticeTail
from inceptionctl.runs.metrics import MetricsTail
from inceptionctl.runs.paths import EXIT_RETRY, RunDir
from inceptionctl.runs.records.metrics import MetricRow

POLL_SECONDS = 0.2
RESTART_LOCK_SECONDS = 30.0  # the killed worker may take this long to release the run's lock


@dataclass(frozen=True)
class QueuedRun:
    """A run to do. `open_folder` finds or makes its folder when its turn comes; it may be restarted `restarts` times;
    without a heartbeat for `hang_timeout` seconds it counts as hung."""

    label: str
    steps: int
    open_folder: Callable[[], RunDir]
    restarts: int
    hang_timeout: float


class Observer(Protocol):
    """What the queue reports to. `end`: how a run that failed ended; None for one that is done."""

    def started(self, queued: QueuedRun, run: RunDir) -> None: ...

    def row(self, queued: QueuedRun, row: MetricRow) -> None: ...

    def noticed(self, queued: QueuedRun, run: RunDir, message: str) -> None: ...

    def restarted(self, queued: QueuedRun, run: RunDir, reason: str, restart: int) -> None: ...

    def stopping(self) -> None: ...

    def finished(self, queued: QueuedRun, run: RunDir, end: str | None) -> None: ...


@dataclass
class _ActiveRun:
    queued: QueuedRun
    run: RunDir
    slot: WorkerSlot
    worker: Worker
    watchdog: Watchdog
    metrics: MetricsTail
    notices: NoticeTail
    folder: os.stat_result
    restarts: int = 0
    hung: bool = False

    @classmethod
    def start(cls, queued: QueuedRun, slot: WorkerSlot) -> _ActiveRun:
        run = queued.open_folder()
        folder, notices = run.path.stat(), NoticeTail(run)
        record_launcher(run)
        worker, watchdog = start(run, slot, 0.0), Watchdog(run, queued.hang_timeout)
        return cls(queued, run, slot, worker, watchdog, MetricsTail(run.metrics), notices, folder)

    def restart(self) -> None:
        self.worker.kill()
        self.restarts, self.hung = self.restarts + 1, False
        self.watchdog = Watchdog(self.run, self.queued.hang_timeout)
        self.worker = start(self.run, self.slot, RESTART_LOCK_SECONDS)

    def close(self) -> int:
        """Called once the worker has ended: its exit code."""
        if self.worker.exit_code == FORK_SERVER_LOST:
            self.worker.kill()
        else:
            self.worker.close()
        clear_launcher(self.run)
        assert self.worker.exit_code is not None, "the worker has ended"
        return self.worker.exit_code

    @property
    def is_removed(self) -> bool:
        """Whether its folder is gone, or is another one now."""
        try:
            return not os.path.samestat(self.folder, self.run.path.stat())
        except OSError:
            return True

    def kill_if_hung(self) -> None:
        if self.worker.exit_code is None and self.watchdog.hung():
            self.hung = True
            self.worker.kill()

    @property
    def restart_reason(self) -> str | None:
        """Why the worker that has ended should be started again; None if it ended by itself."""
        code = self.worker.exit_code
        if self.hung:
            return self.watchdog.reason
        if code == FORK_SERVER_LOST:
            return "lost its fork server"
        if code == EXIT_RETRY:
            return "lost a rank"
        return f"was killed by signal {-code}" if code is not None and code < 0 else None


def run_queue(queue: Iterable[QueuedRun], slots: Sequence[WorkerSlot], observer: Observer) -> dict[str, int]:
    """Does all of `queue`, one run at a time in each of `slots`: exit codes by label.

    On KeyboardInterrupt, SIGTERM or SIGUSR2 the workers are asked to save and stop; a second one kills them.
    """
    waiting, active, codes, free = list(queue), list[_ActiveRun](), dict[str, int](), list(slots)
    with _signals_interrupt():
        try:
            while waiting or active:
                while waiting and free:
                    active.append(_ActiveRun.start(waiting.pop(0), free.pop(0)))
                    observer.started(active[-1].queued, active[-1].run)
                time.sleep(POLL_SECONDS)
                for each in list(active):
                    if (code := _poll(each, observer)) is not None:
                        active.remove(each)
                        free.append(each.slot)
                        codes[each.queued.label] = code
        finally:
            _stop([each.worker for each in active], observer)
    return codes


def _poll(active: _ActiveRun, observer: Observer) -> int | None:
    """The exit code of a run that has ended. Restarts one whose worker was lost, and ends one without its folder."""
    if active.is_removed:
        active.worker.kill()
        observer.finished(active.queued, active.run, "its folder was removed or renamed")
        return 1
    active.kill_if_hung()
    ended = active.worker.exit_code is not None
    for row in active.metrics.read():
        observer.row(active.queued, row)
    for message in active.notices.read():
        observer.noticed(active.queued, active.run, message)
    if not ended:
        return None
    reason = active.restart_reason
    if reason and active.restarts < active.queued.restarts:
        active.restart()
        observer.restarted(active.queued, active.run, reason, active.restarts)
        return None
    code = active.close()
    if code == 0 and not active.run.finished:
        code, reason = 1, "its result is missing"
    observer.finished(active.queued, active.run, reason or (f"exit {code}" if code else None))
    return code


def _stop(workers: Sequence[Worker], observer: Observer) -> None:
    """Waits while the workers save; a second interrupt kills them."""
    try:
        for worker in workers:
            worker.stop()
        if workers:
            observer.stopping()
        while any(worker.exit_code is None for worker in workers):
            time.sleep(0.02)
    finally:
        for worker in workers:
            if worker.exit_code is None:
                worker.kill()
            worker.close()


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """SIGTERM and SIGUSR2 act like Ctrl-C."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGUSR2)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
