"""What a person sees while cells run: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from inceptionctl.runs.paths import EXIT_RETRY, RunDir, read_json
from inceptionctl.scheduling.queue import Cell

NOTICE = "inceptionctl: "  # how a worker begins what is meant for people
LINE_SECONDS = 20.0  # between lines about one cell, off a terminal


class CellConsole:
    """Watches a queue of cells."""

    def __init__(self, cells: int, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._all = self._progress.add_task("cells", total=cells, note="")
        self._tasks: dict[str, TaskID] = {}
        self._last_line: dict[str, float] = {}
        self._started = time.monotonic()

    def __enter__(self) -> CellConsole:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, cell: Cell, run: RunDir) -> None:
        self._tasks[cell.label] = self._progress.add_task(f"  {cell.label}", total=cell.steps, note="starting")
        self._last_line[cell.label] = time.monotonic()

    def row(self, cell: Cell, row: dict[str, Any]) -> None:
        note = describe(row)
        self._progress.update(self._tasks[cell.label], completed=row["step"], note=note)
        if not self._console.is_terminal and time.monotonic() - self._last_line[cell.label] > LINE_SECONDS:
            self._last_line[cell.label] = time.monotonic()
            self._say(f"{cell.label}: step {row['step']} of {cell.steps}, {note}")

    def lost(self, cell: Cell, run: RunDir, why: str, restart: int) -> None:
        again = f"starting again from its last checkpoint ({restart} of {cell.restarts})"
        self._say(f"[yellow]{cell.label}[/] {why}; {again}")

    def stopping(self) -> None:
        self._say("stopping: what runs is being saved (once more: stop without saving)")

    def finished(self, cell: Cell, run: RunDir, code: int) -> None:
        self._progress.remove_task(self._tasks.pop(cell.label))
        self._progress.advance(self._all)
        if code == 0:
            for notice in notices(run.log()):
                self._say(f"[yellow]{cell.label}:[/] {escape(notice)}")
            self._say(f"{cell.label}: {summary(read_json(run.result))}")
        else:
            said = escape(last_words(run.log()))
            self._say(f"[red]{cell.label} failed ({ended(code)}):[/] {said}\n  log: {run.log()}")

    def _say(self, message: str) -> None:
        elapsed = time.monotonic() - self._started
        self._console.print(
            f"[dim]{int(elapsed // 60)}:{int(elapsed % 60):02d}[/] {message}", highlight=False, soft_wrap=True
        )


def describe(row: dict[str, Any]) -> str:
    if row["kind"] == "eval":
        return f"error {row['top1_error']:.1f} %"
    if row["kind"] == "optimizer":
        return f"1/sqrt(v+eps) {row['inv_rms_mean']:.4g}"
    return f"loss {row['loss']:.2f}, {row['images_per_s']:.0f} images/s"


def ended(code: int) -> str:
    if code == EXIT_RETRY:
        return "a rank was killed"
    return f"killed by signal {-code}" if code < 0 else f"exit {code}"


def summary(result: dict[str, Any]) -> str:
    ema, raw = ({e["weights"]: e for e in result["evaluations"]}[kind] for kind in ("ema", "raw"))
    return (
        f"top-1 error {ema['top1_error']:.2f} % (average of the weights; last weights {raw['top1_error']:.2f} %) "
        f"on {ema['n_images']:,} pictures, {result['wall_s']:.0f} s"
    )


def notices(log: Path) -> list[str]:
    """What the worker had to say, each once and with the indented lines that belong to it: a tracker that failed, a
    checkpoint that was damaged."""
    found, ours = list[str](), False
    for line in log.read_text(errors="replace").splitlines() if log.is_file() else []:
        begins = line.startswith(NOTICE)
        ours = begins or (ours and line.startswith("  "))
        if begins:
            found.append(line.removeprefix(NOTICE))
        elif ours:
            found[-1] += f"\n{line}"
    return list(dict.fromkeys(found))


def last_words(log: Path) -> str:
    """The last message of a log, with the indented lines that belong to it; else its last line that says something."""
    if not log.is_file():
        return "no log"
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    start = next((i for i in range(len(lines) - 1, -1, -1) if not lines[i].startswith("  ")), 0)
    return "\n".join(lines[start:]).removeprefix(NOTICE) or "nothing in its log"
