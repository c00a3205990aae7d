"""Every path of a run, and how a run folder comes to be. The folder is the API: tools read files, not processes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from inceptionctl.errors import InceptionctlError, RequestError

T = TypeVar("T")
EXIT_RETRY = 75  # exit code (EX_TEMPFAIL of sysexits.h): a process was killed; the same again may well succeed


@dataclass(frozen=True)
class RunDir:
    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def env(self) -> Path:
        return self.path / "env.json"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def result(self) -> Path:
        return self.path / "result.json"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def lock(self) -> Path:
        return self.path / ".lock"

    @property
    def heartbeat(self) -> Path:
        """Touched by the first rank while it gets on."""
        return self.path / ".pulse"

    @property
    def room(self) -> Path:
        """Takes up space while somebody works on the run; goes when there is none left, so that the log can say so."""
        return self.path / ".room"

    @property
    def diverged(self) -> Path:
        return self.path / "diverged"

    @property
    def launcher_log(self) -> Path:
        """Of what starts the ranks, where there are several."""
        return self.path / "log" / "launcher.log"

    @property
    def launcher(self) -> Path:
        """Host and process of the command that works on the run from its own machine."""
        return self.path / ".launcher"

    @property
    def starts(self) -> Path:
        """One row for each time that a first rank began to work on the run."""
        return self.path / "starts.jsonl"

    @property
    def jobs(self) -> Path:
        """One row for each job of a cluster that is or was to work on the run."""
        return self.path / "jobs.jsonl"

    @property
    def verdict(self) -> Path:
        """The exit code that its last work ended with; gone while somebody works on it, and where that was killed."""
        return self.path / ".verdict"

    def predictions(self, protocol: str) -> Path:
        return self.path / "predictions" / f"{protocol}.npz"

    def log(self, rank: int = 0) -> Path:
        return self.path / "log" / f"rank-{rank}.log"

    @property
    def finished(self) -> bool:
        return self.result.is_file() and bool(read_json(self.result).get("status") == "done")

    @property
    def ended(self) -> int | None:
        """The verdict, if there is one."""
        with suppress(OSError, ValueError):  # it may go while somebody looks
            return int(self.verdict.read_text())
        return None

    @property
    def failed(self) -> bool:
        """By its own doing: not told to stop, and not for a process that was killed."""
        return (self.ended or 0) in range(1, 128) and self.ended != EXIT_RETRY

    @property
    def resumable(self) -> bool:
        """Has a checkpoint, or never got as far as one."""
        return self.config.is_file() and not self.finished


def read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def write_json(path: Path, value: object) -> None:
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Whole or not at all."""
    with writing(path) as temporary:
        temporary.write_text(text)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its name, durably, when the block ends well. Raises InceptionctlError
    where the disk takes no more; what `path` was before stays."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InceptionctlError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@dataclass
class Heartbeat:
    """Touches a file, at most once a second, to show that work gets on."""

    path: Path
    last: float = float("-inf")

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self.last > 1.0:
            self.last = now
            with suppress(OSError):  # what cannot be written will be missed elsewhere
                self.path.touch()

    def during(self, items: Iterable[T]) -> Iterator[T]:
        for item in items:
            self()
            yield item


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a metrics file; a last line that is still being written is left out."""
    if not path.is_file():
        return
    for line in path.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)


def attempts(outputs: Path, identity: str) -> list[RunDir]:
    """The run folders of one identity under every name, oldest attempt first."""
    found = [p for p in outputs.glob(f"*/{identity}-*") if p.name.rpartition("-")[2].isdecimal()]
    return [RunDir(p) for p in sorted(found, key=lambda p: (int(p.name.rpartition("-")[2]), str(p)))]


def create(outputs: Path, name: str, identity: str) -> RunDir:
    """A new attempt's folder; exclusive, so that two commands never share one. Raises RequestError if it can't be."""
    for n in range(1000):
        path = outputs / name / f"{identity}-{n}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise RequestError(
                f"cannot make the run folder {path}: {error.strerror}\n  choose another: outputs=DIR"
            ) from error
        return RunDir(path)
    raise RequestError(f"{outputs / name} holds a thousand attempts of {identity}: remove some")
