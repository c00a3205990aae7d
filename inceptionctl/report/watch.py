"""Shows a table while its cells run: on a terminal in place, elsewhere again whenever something has changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from inceptionctl.report.columns import report_text
from inceptionctl.report.render import terminal
from inceptionctl.report.results import ResultTable
from inceptionctl.report.write import Report, write
from inceptionctl.runs.paths import RunDir

Show = Callable[[Report], None]
Signature = tuple[tuple[str, int, int], ...]


def watch(folder: Path, every_s: float, to: Console) -> Report:
    """Writes the report whenever a run has changed, until all cells are done: the last report."""
    seen: Signature | None = None
    with _live(to) if to.is_terminal else _again(to) as show:
        while True:
            found = signature(folder)
            if found != seen:
                report = write(folder, refresh=every_s)
                show(report)
                seen = found
                if done(report.findings.table):
                    return write(folder)
            time.sleep(every_s)


def done(table: ResultTable) -> bool:
    return all(cell.status == "done" for _, cell in table.cells)


def progress(table: ResultTable) -> str:
    states = [cell.status for _, cell in table.cells]
    others = [f"{states.count(one)} {one}" for one in ("failed", "damaged") if one in states]
    return ", ".join([f"{states.count('done')} of {len(states)} cells are done", *others])


def signature(folder: Path) -> Signature:
    """What tells that a run of the table's folder, or of those beside it, has ended or begun: names, times and sizes of
    the few files that say so."""
    files = [folder / "table.json"]
    for name in sorted(folder.absolute().parent.iterdir()):
        for run in sorted(name.iterdir()) if name.is_dir() else ():
            files += [RunDir(run).result, RunDir(run).exit, RunDir(run).outcome]
    return tuple(_signatures(files))


def _signatures(files: list[Path]) -> Iterator[tuple[str, int, int]]:
    for path in files:
        try:
            found = path.stat()
        except OSError:
            continue
        yield str(path), found.st_mtime_ns, found.st_size


@contextmanager
def _live(to: Console) -> Iterator[Show]:
    """The table in place of the one before."""
    with Live(console=to, auto_refresh=False, vertical_overflow="visible") as live:

        def show(report: Report) -> None:
            parts = terminal.parts(report_text(report.findings, Path.cwd()), to.width)
            live.update(terminal.stacked([*parts, _line(report)]), refresh=True)

        yield show


@contextmanager
def _again(to: Console) -> Iterator[Show]:
    def show(report: Report) -> None:
        terminal.show(report_text(report.findings, Path.cwd()), to)
        to.print(_line(report))
        to.file.flush()  # a log is read while cells run

    yield show


def _line(report: Report) -> Text:
    return Text(
        f"{progress(report.findings.table)} at {time.strftime('%H:%M:%S')}; Ctrl-C stops the display, not the cells"
    )
