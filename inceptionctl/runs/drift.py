"""In which versions the runs of one table differ, by their env.json: their code, their libraries, their device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from inceptionctl.errors import count
from inceptionctl.files import FileError
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import Environment


@dataclass(frozen=True, kw_only=True)
class Drift:
    """`what`: git commit, device, or a package whose versions differ; `runs`: by value, the most frequent first."""

    what: str
    runs: dict[str, list[RunDir]]

    def __str__(self) -> str:
        values = ", ".join(f"{value} ({count(len(runs), 'run')})" for value, runs in self.runs.items())
        return f"{self.what}: {values}"


def drift(runs: Iterable[RunDir]) -> list[Drift]:
    """Of the last work on each run; one whose env.json is missing or damaged is left out."""
    found: dict[str, dict[str, list[RunDir]]] = {}
    for run in runs:
        with suppress(FileError):
            for what, value in _facts(read_record(run.env, Environment)):
                found.setdefault(what, {}).setdefault(value, []).append(run)
    return [Drift(what=what, runs=_frequent_first(values)) for what, values in found.items() if len(values) > 1]


def _facts(environment: Environment) -> Iterator[tuple[str, str]]:
    yield "git commit", environment.git_commit or "unknown"
    yield from ((name, value or "none") for name, value in environment.versions.items())
    yield "device", environment.device.partition(":")[0]


def _frequent_first(values: dict[str, list[RunDir]]) -> dict[str, list[RunDir]]:
    return dict(sorted(values.items(), key=lambda item: -len(item[1])))
