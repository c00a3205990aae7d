"""Where the runs of a table were made and how long they took, and what differs between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inceptionctl.errors import count
from inceptionctl.files import FileError
from inceptionctl.report.results import ResultTable
from inceptionctl.runs.damage import read_result
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import Environment
from inceptionctl.runs.records.result import Result
from inceptionctl.runs.records.table import cell_label


@dataclass(frozen=True)
class Fact:
    """`values`: each with the cells that have it; several values are drift."""

    name: str
    values: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def differs(self) -> bool:
        return len(self.values) > 1


def environment(table: ResultTable) -> list[Fact]:
    """Of the cells that are done, each run once: how long they took, and what their env.json says."""
    runs = _runs(table)
    found: dict[str, dict[str, list[str]]] = {}
    for label, run in runs:
        for name, value in _facts(run):
            found.setdefault(name, {}).setdefault(value, []).append(label)
    facts = [
        (name, tuple((value, tuple(labels)) for value, labels in values.items())) for name, values in found.items()
    ]
    return [*_time(runs), *(Fact(*fact) for fact in facts)]


def _time(runs: Sequence[tuple[str, RunDir]]) -> Iterator[Fact]:
    """Training and evaluation together; runs work side by side, so a table takes less."""
    seconds = {label: result.wall_s for label, run in runs if (result := _result(run))}
    if seconds:
        mean = sum(seconds.values()) / len(seconds)
        text = f"{count(len(seconds), 'run')}, {mean:,.0f} s each, {sum(seconds.values()) / 3600:.2f} hours in all"
        yield Fact("time", ((text, tuple(seconds)),))


def _result(run: RunDir) -> Result | None:
    try:
        return read_result(run)
    except FileError:  # removed since, or an evaluation of its own
        return None


def _runs(table: ResultTable) -> list[tuple[str, RunDir]]:
    """Cells of several rows may be one run."""
    runs = {
        cell.run.path: (cell_label(row.label, cell.seed), cell.run)
        for row, cell in table.cells
        if cell.figures and cell.run
    }
    return list(runs.values())


def _facts(run: RunDir) -> Iterator[tuple[str, str]]:
    try:
        env = read_record(run.env, Environment)
    except FileError:
        yield "env.json", "missing or damaged"
        return
    yield "commit", env.git_commit or "not from a checkout"
    for name, version in env.versions.items():
        yield name, version or "not installed"
    yield "platform", env.platform
    yield "processor", f"{env.processor}, {env.cores} cores"
    yield "device", env.device
    yield "threads", str(env.threads)
    yield "processes", str(env.world_size)
