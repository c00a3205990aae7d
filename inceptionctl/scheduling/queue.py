"""Runs cells side by side and tells a watcher what happens as it happens. A cell that loses a process, or hangs, starts
again from its last checkpoint."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, Protocol

from inceptionctl.launch.local import Worker, WorkerSlot, start
from inceptionctl.launch.watchdog import Watchdog
from inceptionctl.runs.paths import EXIT_RETRY, RunDir

POLL_SECONDS = 0.2
PATIENCE_SECONDS = 30.0  # for what is left of a lost worker to go


@dataclass(frozen=True)
class Cell:
    """One run to do. `folder` finds or makes its run folder when its turn comes; `restarts`: how often it may start
    again; `watchdog_s`: seconds without a sign of life after which it counts as hung."""

    label: str
    steps: int
    folder: Callable[[], RunDir]
    restarts: int
    watchdog_s: float


class Watcher(Protocol):
    def started(self, cell: Cell, run: RunDir) -> None: ...

    def row(self, cell: Cell, row: dict[str, Any]) -> None: ...

    def lost(self, cell: Cell, run: RunDir, why: str, restart: int) -> None: ...

    def stopping(self) -> None: ...

    def finished(self, cell: Cell, run: RunDir, code: int) -> None: ...


@dataclass
class _Running:
    cell: Cell
    run: RunDir
    crew: WorkerSlot
    worker: Worker
    read: int = 0
    restarts: int = 0
    hung: bool = False

    def __post_init__(self) -> None:
        self.dog = Watchdog(self.run, self.cell.watchdog_s)

    def new_rows(self) -> list[dict[str, Any]]:
        """Rows written since the last call. A run that goes back cuts the file: it is read from its start again where
        it is shorter now; where it is not, this place may be in the middle of a row, which is left out."""
        if not self.run.metrics.is_file():
            return []
        text = self.run.metrics.read_bytes()
        self.read = self.read if self.read <= len(text) else 0
        end = text.rfind(b"\n") + 1
        rows = []
        for line in text[self.read : end].splitlines():
            with suppress(ValueError):
                rows.append(json.loads(line))
        self.read = max(self.read, end)
        return rows

    def watch(self) -> None:
        """Ends the worker when it has given no sign of life for too long."""
        if not self.hung and self.dog.hung():
            self.hung = True
            self.worker.kill()

    @property
    def why(self) -> str | None:
        """What became of a worker that is to start again; None for one that ended by its own will."""
        code = self.worker.exit_code
        if self.hung:
            return self.dog.why
        if code == EXIT_RETRY:
            return "lost a rank"
        return f"was killed by signal {-code}" if code is not None and code < 0 else None

    def start_again(self) -> None:
        self.worker.kill()
        self.restarts, self.hung = self.restarts + 1, False
        self.dog = Watchdog(self.run, self.cell.watchdog_s)
        self.worker = start(self.run, self.crew, PATIENCE_SECONDS)


def run_cells(cells: Iterable[Cell], crews: Sequence[WorkerSlot], watcher: Watcher) -> dict[str, int]:
    """Runs all, one with each of `crews` at a time: exit codes by label.

    On KeyboardInterrupt, as SIGTERM and SIGUSR2 are here, the workers are asked to save; a second one kills them.
    """
    waiting, running, codes, idle = list(cells), list[_Running](), dict[str, int](), list(crews)
    with _signals_interrupt():
        try:
            while waiting or running:
                while waiting and idle:
                    running.append(_begin(waiting.pop(0), idle.pop(0), watcher))
                time.sleep(POLL_SECONDS)
                for active in list(running):
                    if (code := _look(active, watcher)) is not None:
                        running.remove(active)
                        idle.append(active.crew)
                        codes[active.cell.label] = code
        finally:
            _end([active.worker for active in running], watcher)
    return codes


def _begin(cell: Cell, crew: WorkerSlot, watcher: Watcher) -> _Running:
    run = cell.folder()
    with suppress(OSError):  # a folder that takes nothing is told of when the worker starts
        run.launcher.write_text(f"{socket.gethostname()} {os.getpid()}\n")
    active = _Running(cell, run, crew, start(run, crew, 0.0))
    watcher.started(cell, run)
    return active


def _look(active: _Running, watcher: Watcher) -> int | None:
    """The exit code of a cell that has come to its end; starts one again that was lost."""
    active.watch()
    ended = active.worker.exit_code is not None
    for row in active.new_rows():
        watcher.row(active.cell, row)
    if not ended:
        return None
    why = active.why
    if why and active.restarts < active.cell.restarts:
        active.start_again()
        watcher.lost(active.cell, active.run, why, active.restarts)
        return None
    active.worker.close()
    with suppress(OSError):
        active.run.launcher.unlink()
    code = active.worker.exit_code
    assert code is not None, "it has ended"
    watcher.finished(active.cell, active.run, code)
    return code


def _end(workers: Sequence[Worker], watcher: Watcher) -> None:
    """Lets the workers save; a second interrupt kills them."""
    try:
        for worker in workers:
            worker.stop()
        if workers:
            watcher.stopping()
        while any(worker.exit_code is None for worker in workers):
            time.sleep(0.02)
    finally:
        for worker in workers:
            if worker.exit_code is None:
                worker.kill()
            worker.close()


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """What asks a process to end asks it like Ctrl-C."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGUSR2)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
