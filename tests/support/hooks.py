"""Faults inside a rank, at moments that cannot be hit from outside: functions that a rank calls before it begins. The
program itself starts the rank, watches it and reports on it."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from inceptionctl.launch import local
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import MetricRow

Hook = Callable[..., None]
_work = local._work


def hook_in(monkeypatch: Any, hook: Hook, *arguments: Any) -> None:
    """The ranks that this process starts call `hook(*arguments)` first. Both have to be picklable."""
    monkeypatch.setattr(local, "_work", partial(_hooked, hook, arguments))


def _hooked(hook: Hook, arguments: tuple[Any, ...], run: RunDir, *rest: Any) -> None:
    hook(*arguments)
    _work(run, *rest)


def die_while_saving(step: str, names: list[str], notes: Path) -> None:
    """Killed in the middle of the first of `names` in checkpoint `step`; of the second when it has started again, and
    so on. In `notes`: at what step each start began."""
    from inceptionctl.training import checkpoint
    from inceptionctl.worker.checkpoints import Checkpoints

    begun = notes.read_text().split() if notes.is_file() else []
    write, restore = checkpoint._write_durably, Checkpoints.restore

    def write_half(path: Path, data: bytes) -> str:
        if path.parent.name == f".{step}" and len(begun) < len(names) and path.name == names[len(begun)]:
            if not begun:
                notes.write_text("0\n")
            path.write_bytes(data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(path, data)

    def restore_and_note(self: Checkpoints, found: Any) -> None:
        restore(self, found)
        with notes.open("a") as file:
            file.write(f"{self.clock.step}\n")

    checkpoint._write_durably, Checkpoints.restore = write_half, restore_and_note


def fill(ballast: Path) -> None:
    """Leaves no room on the disk of `ballast`."""
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while file.write(b"\0" * size) == size:
                    pass


def fill_before_checkpoint(ballast: Path, step: str) -> None:
    from inceptionctl.training import checkpoint

    write = checkpoint._write_durably

    def full(path: Path, data: bytes) -> str:
        if path.parent.name == f".{step}" and path.name == "ema.safetensors":
            fill(ballast)
        return write(path, data)

    checkpoint._write_durably = full


def fill_before_row(ballast: Path, step: int) -> None:
    from inceptionctl.runs.metrics import MetricsFile

    write = MetricsFile.write

    def full(self: MetricsFile, row: MetricRow) -> None:
        if row.step == step:
            fill(ballast)
        write(self, row)

    MetricsFile.write = full


def fill_before_results(ballast: Path) -> None:
    from inceptionctl.worker import trainer as session

    write = session.write_evaluations

    def full(*arguments: Any) -> Any:
        fill(ballast)
        return write(*arguments)

    session.write_evaluations = full


def diverge(step: int, times: int) -> None:
    """The loss of `step` is NaN until the run has rolled back `times` times."""
    from inceptionctl.training.step import StepOutput
    from inceptionctl.worker.trainer import Trainer

    on_step_end = Trainer.on_step_end

    def with_nan(self: Trainer, output: StepOutput, lr: float) -> None:
        if self.clock.step == step and self.logger.progress.rollbacks < times:
            output = replace(output, loss=float("nan"))
        on_step_end(self, output, lr)

    Trainer.on_step_end = with_nan


def jumping() -> float:
    """A wall clock that somebody keeps setting."""
    return 1e9 + random.choice((-1, 1)) * 3600.0 * random.randint(1, 9)


def clocks() -> None:
    """The wall clock jumps, and that of file systems too; the monotonic one counts how often it is read."""
    from inceptionctl.runs import heartbeat
    from inceptionctl.worker import assemble

    reads = iter(range(10**9))
    beat = heartbeat.Heartbeat.__call__

    def beat_at_odd_times(self: heartbeat.Heartbeat) -> None:
        beat(self)
        if self.path.exists():
            os.utime(self.path, (jumping(), jumping()))

    time.time = jumping
    assemble.assemble = partial(assemble.assemble, monotonic=lambda: float(next(reads)))
    heartbeat.Heartbeat.__call__ = beat_at_odd_times


def break_launcher() -> None:
    """As if torch elastic did not know an option of ours."""
    from inceptionctl.launch import elastic

    def broken(*_: Any) -> int:
        raise TypeError("unexpected keyword argument")

    elastic.launch = broken
