"""Shows how many images are done: a bar on a terminal, a line per interval elsewhere."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_SECONDS = 20.0  # between two lines, off a terminal
REFRESH_SECONDS = 0.2  # a bar that is drawn by no thread of its own: processes are forked beside it


class ImageProgress:
    """A call reports the number of images of `what` that are done."""

    def __init__(self, what: str, total: int, console: Console) -> None:
        self._what, self._total, self._console = what, total, console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
            auto_refresh=False,
        )
        self._task = self._bar.add_task(what, total=total)
        self._begun = self._shown = time.monotonic()

    def __enter__(self) -> ImageProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now - self._shown < (REFRESH_SECONDS if self._console.is_terminal else LINE_SECONDS):
            return
        self._shown = now
        self._bar.update(self._task, completed=done, refresh=True)
        if not self._console.is_terminal:
            rate = done / (now - self._begun)
            self._console.print(f"{self._what}: {done:,} of {self._total:,} images, {rate:.0f} images/s")
