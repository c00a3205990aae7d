"""`metrics.jsonl`, the source of truth: one row a line, each step once. Trackers are fed the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Sink = Callable[[Row], None]


class MetricsFile:
    """Appends rows; a row is on its way to the disk when `write` returns."""

    def __init__(self, path: Path, resumed_at: int) -> None:
        """Rows past step `resumed_at` are cut: the run is about to write them again."""
        kept = [line for line in _lines(path) if json.loads(line)["step"] <= resumed_at] if resumed_at else []
        path.write_text("".join(kept))
        self._file = path.open("a", buffering=1)

    def write(self, row: Row) -> None:
        self._file.write(json.dumps(row, allow_nan=False) + "\n")

    def close(self) -> None:
        self._file.close()


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    return [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
