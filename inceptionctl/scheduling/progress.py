"""Shows the queue's runs: live progress bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import defaultdict

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from inceptionctl.errors import count
from inceptionctl.runs.damage import read_result
from inceptionctl.runs.evaluations import read_evaluation
from inceptionctl.runs.logs import notices, why_ended
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import EvalRow, MetricRow, OptimizerRow, ProgressRow
from inceptionctl.runs.records.result import Result
from inceptionctl.runs.starts import log_bytes_before
from inceptionctl.scheduling.queue import QueuedRun

LINE_SECONDS = 20.0  # between two lines about one run, off a terminal
WEIGHTS = {
    "ema": "averaged",
    "raw": "last weights",
    "best-ema": "best checkpoint, averaged",
    "best-raw": "best checkpoint",
}


class QueueConsole:
    """Observes a queue."""

    def __init__(self, num_runs: int, console: Console) -> None:
        self._console, self._num_runs = console, num_runs
        self._progress = Progress(
            _Shrinking("{task.description}", table_column=Column()),
            BarColumn(bar_width=10),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._all = self._progress.add_task("cells", total=num_runs, note="")
        self._tasks: dict[str, TaskID] = {}
        self._last_line: dict[str, float] = {}
        self._told = defaultdict[str, set[str]](set)
        self._started = time.monotonic()

    def __enter__(self) -> QueueConsole:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, queued: QueuedRun, run: RunDir) -> None:
        self._tasks[queued.label] = self._progress.add_task(
            f"  {escape(queued.label)}", total=queued.steps, note="starting"
        )
        self._last_line[queued.label] = time.monotonic()

    def row(self, queued: QueuedRun, row: MetricRow) -> None:
        note = describe(row)
        self._progress.update(self._tasks[queued.label], completed=row.step, note=note)
        if not self._console.is_terminal and time.monotonic() - self._last_line[queued.label] > LINE_SECONDS:
            self._last_line[queued.label] = time.monotonic()
            unit = "image" if isinstance(row, ProgressRow) else "step"
            of_run = f"{escape(queued.label)}: " if self._num_runs > 1 else ""
            self._print(f"{of_run}{unit} {row.step:,} of {queued.steps:,}, {note}")

    def noticed(self, queued: QueuedRun, run: RunDir, message: str) -> None:
        """Each once: a run that starts again may say the same again."""
        if message not in self._told[queued.label]:
            self._told[queued.label].add(message)
            self._print(f"[yellow]{_name(queued, run)}:[/] {escape(message)}")

    def restarted(self, queued: QueuedRun, run: RunDir, reason: str, restart: int) -> None:
        saved = "what is done" if run.is_evaluation else "its last checkpoint"
        again = f"restarting from {saved} ({restart} of {queued.restarts})"
        self._print(f"[yellow]{_name(queued, run)}[/] {escape(reason)}; {again}")

    def stopping(self) -> None:
        self._print("stopping: saving checkpoints (interrupt again to stop without saving)")

    def finished(self, queued: QueuedRun, run: RunDir, end: str | None) -> None:
        self._progress.remove_task(self._tasks.pop(queued.label))
        self._progress.advance(self._all)
        if end is None:
            for notice in notices(run.log(), log_bytes_before(run)):
                self.noticed(queued, run, notice)
            self._print(f"{_name(queued, run)}: {_end(run)}")
        else:
            message, log = why_ended(run)
            where = f"\n  log: {escape(str(log))}" if log.is_file() else ""
            self._print(f"[red]{_name(queued, run)} failed ({end}):[/] {escape(message)}{where}")

    def _print(self, message: str) -> None:
        elapsed = time.monotonic() - self._started
        self._console.print(f"[dim]{int(elapsed // 60)}:{int(elapsed % 60):02d}[/] {message}", markup=True)


class _Shrinking(TextColumn):
    """Gives way on a narrow terminal, so that the columns with figures are not cut."""

    def render(self, task: Task) -> Text:
        text = super().render(task)
        text.no_wrap, text.overflow = True, "ellipsis"
        return text


def _name(queued: QueuedRun, run: RunDir) -> str:
    """The label, and the name of the run's folder."""
    return f"{escape(queued.label)} [dim]({escape(run.path.name)})[/]"


def describe(row: MetricRow) -> str:
    if isinstance(row, EvalRow):
        split = "dev error" if row.purpose == "selection" else "error"
        return f"{split} {row.top1_error:.1f} % ({WEIGHTS.get(row.weights, row.weights)})"
    if isinstance(row, OptimizerRow):
        return f"1/sqrt(v+eps) {row.inv_rms_mean:.4g}"
    if isinstance(row, ProgressRow):
        return f"error {row.top1_error:.2f} %, {row.images_per_s:.3g} images/s"
    return f"loss {row.loss:.2f}, {row.images_per_s:.0f} images/s"


def _end(run: RunDir) -> str:
    """What a run, or an evaluation, came to, in a line."""
    if not run.is_evaluation:
        return summary(read_result(run))
    record = read_evaluation(run.outcome)
    return f"top-1 error {record.top1_error:.2f} % on {record.n_images:,} images"


def summary(result: Result) -> str:
    """The result of a run in a line."""
    ema, raw = result.evaluation("ema"), result.evaluation("raw")
    return (
        f"top-1 error {ema.top1_error:.2f} % (averaged weights; last weights {raw.top1_error:.2f} %) "
        f"on {ema.n_images:,} images, {result.wall_s:.0f} s{_unreadable(result)}"
    )


def _unreadable(result: Result) -> str:
    """Nothing, of a result that is older too, if all training images could be read."""
    found = result.unreadable_images
    what = count(found.total, "training image") if found else ""
    return f"; {what} could not be read (result.json has the names)" if found and found.total else ""
