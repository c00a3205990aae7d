"""Runs cells side by side, one process each, and tells a watcher what happens as it happens."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from inceptionctl.launch.local import Worker, start
from inceptionctl.rundir import RunDir

POLL_SECONDS = 0.2
GRACE_SECONDS = 1.5  # for a worker to save and stop after Ctrl-C


@dataclass(frozen=True)
class Cell:
    """One run to do. `folder` finds or makes its run folder when its turn comes."""

    label: str
    steps: int
    folder: Callable[[], RunDir]


class Watcher(Protocol):
    def started(self, cell: Cell, run: RunDir) -> None: ...

    def row(self, cell: Cell, row: dict[str, Any]) -> None: ...

    def finished(self, cell: Cell, run: RunDir, code: int) -> None: ...


@dataclass
class _Running:
    cell: Cell
    run: RunDir
    worker: Worker
    gpu: str | None
    read: int = field(default=0)

    def new_rows(self) -> list[dict[str, Any]]:
        """Rows written since the last call; a file that was cut on resume is read from its start again."""
        if not self.run.metrics.is_file():
            return []
        text = self.run.metrics.read_bytes()
        self.read = self.read if self.read <= len(text) else 0
        end = text.rfind(b"\n") + 1
        rows = [json.loads(line) for line in text[self.read : end].splitlines()]
        self.read = max(self.read, end)
        return rows


def run_cells(cells: Iterable[Cell], jobs: int, gpus: Sequence[str], watcher: Watcher) -> dict[str, int]:
    """Runs all, `jobs` at a time (each on a GPU of its own where there are any): exit codes by label.

    On KeyboardInterrupt the workers are asked to save; what is left after the grace time is killed.
    """
    waiting, running, codes = list(cells), list[_Running](), dict[str, int]()
    places: list[str | None] = [gpus[i % len(gpus)] if gpus else None for i in range(jobs)]
    try:
        while waiting or running:
            while waiting and places:
                running.append(_begin(waiting.pop(0), places.pop(0), watcher))
            time.sleep(POLL_SECONDS)
            for active in list(running):
                code = active.worker.exit_code
                for row in active.new_rows():
                    watcher.row(active.cell, row)
                if code is not None:
                    running.remove(active)
                    places.append(active.gpu)
                    active.worker.close()
                    codes[active.cell.label] = code
                    watcher.finished(active.cell, active.run, code)
    finally:
        _end([active.worker for active in running])
    return codes


def _begin(cell: Cell, gpu: str | None, watcher: Watcher) -> _Running:
    run = cell.folder()
    active = _Running(cell, run, start(run, gpu), gpu)
    watcher.started(cell, run)
    return active


def _end(workers: Sequence[Worker]) -> None:
    for worker in workers:
        worker.stop()
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(worker.exit_code is None for worker in workers):
        time.sleep(0.02)
    for worker in workers:
        worker.kill()
