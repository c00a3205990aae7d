"""metrics.jsonl, the source of truth: one row a line, each step once. Trackers are fed the same rows."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.errors import InceptionctlError
from inceptionctl.runs.io import RecordError, parse_lines, read_lines, to_line
from inceptionctl.runs.records.metrics import ANY_ROW, MetricRow

TAIL_BYTES = 1 << 14  # of a run with a million rows, the last ones are enough to tell where it is


class MetricsFile:
    """Appends rows; a row has been handed to the system when `write` returns. `rows` counts them."""

    def __init__(self, path: Path, rows: int) -> None:
        """Keeps the first `rows` rows, those up to the checkpoint: the run is about to write the others again."""
        self._path, self._file = path, path.open("ab", buffering=0)
        self.cut(rows)

    def cut(self, rows: int) -> None:
        """In place: a full disk must not cost the rows that are there."""
        lines = self._path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if line.endswith(b"\n")][:rows]
        os.truncate(self._path, sum(map(len, kept)))
        self.rows = len(kept)

    def write(self, row: MetricRow) -> None:
        """Raises InceptionctlError if the disk is full."""
        line = to_line(row)
        try:
            written = self._file.write(line)
        except OSError as error:
            raise InceptionctlError(f"cannot write {self._path}: {error.strerror}") from error
        if written != len(line):
            raise InceptionctlError(f"cannot write {self._path}: {os.strerror(errno.ENOSPC)}")
        self.rows += 1

    def close(self) -> None:
        self._file.close()


def read_metrics(path: Path) -> list[MetricRow]:
    """Every row. Raises RecordError for a damaged one; one that is still being written is left out."""
    return read_lines(path, ANY_ROW)


def newest_metrics(path: Path) -> Iterator[MetricRow]:
    """The rows in the file's last 16 KiB, the newest first, read one after the other."""
    tail = MetricsTail(path, max(0, _size(path) - TAIL_BYTES))
    for line in reversed(tail.new_lines()):
        yield from _whole(path, line)


@dataclass
class MetricsTail:
    """Reads what has been appended since the last call. `offset`: the bytes that have been read."""

    path: Path
    offset: int = 0

    def read(self) -> list[MetricRow]:
        """A run that goes back to a checkpoint cuts the file: a row that begins before the offset is left out."""
        return [row for line in self.new_lines() for row in _whole(self.path, line)]

    def new_lines(self) -> list[bytes]:
        size = _size(self.path)
        if size <= self.offset:
            self.offset = size
            return []
        with self.path.open("rb") as file:
            file.seek(self.offset)
            data = file.read(size - self.offset)
        complete = data[: data.rfind(b"\n") + 1]
        self.offset += len(complete)
        return complete.splitlines(keepends=True)


def _whole(path: Path, line: bytes) -> list[MetricRow]:
    """The row of a line, none if the line is only the end of one."""
    try:
        return parse_lines(path, line, ANY_ROW)
    except RecordError:
        return []


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
