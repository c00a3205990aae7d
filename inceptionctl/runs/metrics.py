"""metrics.jsonl, the source of truth: one row a line, each step once. Trackers are fed the same rows."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from inceptionctl.errors import InceptionctlError
from inceptionctl.files import FileError, MissingFileError, open_file
from inceptionctl.runs.io import (
    LINE_START,
    RecordError,
    check_no_link,
    check_unfinished,
    open_to_append,
    parse_lines,
    read_lines,
    to_line,
    whole_lines,
)
from inceptionctl.runs.records.metrics import ANY_ROW, MetricRow
from inceptionctl.runs.tail import Tail, size_of

TAIL_BYTES = 1 << 14  # of a run with a million rows, the last ones are enough to tell where it is


class MetricsFile:
    """Appends rows; a row has been handed to the system when `write` returns. `rows` counts them."""

    def __init__(self, path: Path, rows: int) -> None:
        """Keeps the first `rows` rows, those up to the checkpoint: the run is about to write the others again. Raises
        OSError, and RecordError for a file that is damaged or no file of this folder alone."""
        self._path, self._file = path, open_to_append(path)
        self.cut(rows)

    def cut(self, rows: int) -> None:
        """In place: a full disk must not cost the rows that are there."""
        kept = list(map(len, islice(whole_lines(self._path), rows)))
        os.truncate(self._file.fileno(), sum(kept))
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
    """The rows in the file's last 16 KiB, the newest first, read one after the other. Raises RecordError for a damaged
    one."""
    check_no_link(path)
    size = size_of(path)
    tail = MetricsTail(path, max(0, size - TAIL_BYTES))
    lines = tail.new_lines()
    with suppress(MissingFileError), open_file(path) as file:
        file.seek(tail.offset)
        rest = file.read(len(LINE_START))
        if lines or size <= TAIL_BYTES:
            check_unfinished(path, rest)
    if size > TAIL_BYTES:  # the first may be the end of a row
        lines = lines[1:]
        if not lines:
            raise RecordError(f"{path} is damaged: it ends with {TAIL_BYTES:,} bytes without a row")
    for line in reversed(lines):
        yield from parse_lines(path, [line], ANY_ROW)


@dataclass
class MetricsTail(Tail):
    """Reads the rows that have been appended since the last call."""

    def read(self) -> list[MetricRow]:
        """A run that goes back to a checkpoint cuts the file: a row that begins before the offset is left out. A file
        that cannot be read has no rows: the run's own process will say so."""
        with suppress(FileError):
            return [row for line in self.new_lines() for row in _whole(self.path, line)]
        return []


def _whole(path: Path, line: bytes) -> list[MetricRow]:
    """The row of a line, none if the line is only the end of one."""
    try:
        return parse_lines(path, [line], ANY_ROW)
    except RecordError:
        return []
