"""The runs of `status` with their labels and with the settings in which they differ: sorted, and some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from inceptionctl.errors import RequestError, unknown
from inceptionctl.files import FileError
from inceptionctl.runs.label import label_of
from inceptionctl.runs.settings import Settings, differing, read_settings, short_names, shown
from inceptionctl.scheduling.run_status import RunStatus

OWN: dict[str, Callable[[ListedRun], Any]] = {
    "name": lambda run: run.status.label,
    "label": lambda run: run.label,
    "state": lambda run: run.status.state,
    "error": lambda run: run.status.files.error,
    "epoch": lambda run: run.status.files.epoch,
}


@dataclass(frozen=True)
class ListedRun:
    """`label`: what was typed for it, empty for a cell that has not begun; `settings`: none of an evaluation, or where
    config.yaml cannot be read."""

    status: RunStatus
    label: str
    settings: Settings

    @property
    def final_error(self) -> float | None:
        """Of a run that is done."""
        return self.status.files.error if self.status.state == "done" else None

    def as_json(self, keys: Sequence[str]) -> dict[str, Any]:
        differ = {key: self.settings[key] for key in keys if key in self.settings}
        return {**self.status.as_json(), "label": self.label or None, "settings": differ, "error": self.final_error}


@dataclass(frozen=True)
class Listing:
    runs: list[ListedRun]

    @property
    def keys(self) -> list[str]:
        """The settings in which the runs differ, the seed first: runs of one row differ in nothing else."""
        return sorted(differing([run.settings for run in self.runs]), key=lambda key: key != "seed")

    def sorted(self, name: str) -> Listing:
        """By `error`, `epoch`, `name`, `label`, `state` or a setting; runs that have none come last. Raises
        RequestError for another name."""
        value = self._value("--sort", name)
        have = [run for run in self.runs if value(run) is not None]
        numbers = all(isinstance(value(run), int | float) for run in have)
        have.sort(key=value if numbers else lambda run: shown(value(run)))
        return replace(self, runs=[*have, *(run for run in self.runs if value(run) is None)])

    def filtered(self, words: Sequence[str]) -> Listing:
        """The runs for which each KEY=VALUE holds; `*` and `?` in a value stand for any letters. Raises RequestError
        for a key that no run has."""
        runs = self.runs
        for word in words:
            name, equals, wanted = word.partition("=")
            if not equals:
                raise RequestError(f"--filter {word}: it takes KEY=VALUE, such as state=done or optim=rmsprop")
            value = self._value("--filter", name)
            runs = [run for run in runs if fnmatchcase(shown(value(run)), wanted)]
        return replace(self, runs=runs)

    def _value(self, flag: str, name: str) -> Callable[[ListedRun], Any]:
        """A run's own value of this name, or that of a setting, of which the last part is enough."""
        if name in OWN:
            return OWN[name]
        keys = list(dict.fromkeys(key for run in self.runs for key in run.settings))
        found = [key for key in keys if name in (key, key.removesuffix(".name"))]
        found = found or [key for key, short in short_names(keys).items() if short == name]
        if not found:
            known = [*OWN, *(short_names(self.keys).values())]
            raise unknown("column", name, known, f"{flag} {name}")
        return lambda run: run.settings.get(found[0])


def list_runs(runs: Sequence[RunStatus], with_settings: bool = True) -> Listing:
    """Reads the label of every run, and its settings if asked."""
    return Listing([_listed(run, with_settings) for run in runs])


def _listed(status: RunStatus, with_settings: bool) -> ListedRun:
    run, settings = status.run, dict[str, Any]()
    if run and with_settings and not run.is_evaluation:
        with suppress(FileError):
            settings = read_settings(run)
    return ListedRun(status, label_of(run) if run else "", settings)
