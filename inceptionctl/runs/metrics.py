"""`metrics.jsonl`, the source of truth: one row a line, each step once. Trackers are fed the same rows."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

from inceptionctl.errors import InceptionctlError

Row = dict[str, Any]


class MetricsFile:
    """Appends rows; a row is on its way to the disk when `write` returns. `rows` counts them."""

    def __init__(self, path: Path, rows: int) -> None:
        """Keeps the first `rows` rows, those up to the checkpoint: the run is about to write the others again."""
        self._path, self._file = path, path.open("ab", buffering=0)
        self.cut(rows)

    def cut(self, rows: int) -> None:
        """In place: a full disk must not cost the rows that are there."""
        kept = _lines(self._path)[:rows]
        os.truncate(self._path, sum(map(len, kept)))
        self.rows = len(kept)

    def write(self, row: Row) -> None:
        """Raises InceptionctlError where the disk takes no more."""
        line = json.dumps(row, allow_nan=False).encode() + b"\n"
        try:
            written = self._file.write(line)
        except OSError as error:
            raise InceptionctlError(f"cannot write {self._path}: {error.strerror}") from error
        if written != len(line):
            raise InceptionctlError(f"cannot write {self._path}: {os.strerror(errno.ENOSPC)}")
        self.rows += 1

    def close(self) -> None:
        self._file.close()


def _lines(path: Path) -> list[bytes]:
    """Without what was being written when a run was killed."""
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
