"""`metrics.jsonl`, the source of truth: one row a line, each step once. Trackers are fed the same rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class MetricsFile:
    """Appends rows; a row is on its way to the disk when `write` returns. `rows` counts them."""

    def __init__(self, path: Path, rows: int) -> None:
        """Keeps the first `rows` rows, those up to the checkpoint: the run is about to write the others again."""
        path.write_text("".join(_lines(path)[:rows]))
        self.rows = rows
        self._file = path.open("a", buffering=1)

    def write(self, row: Row) -> None:
        self._file.write(json.dumps(row, allow_nan=False) + "\n")
        self.rows += 1

    def close(self) -> None:
        self._file.close()


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    return [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
