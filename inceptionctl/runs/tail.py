"""Reads a file of lines as it grows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.files import MAX_BYTES, MissingFileError, open_file


@dataclass
class Tail:
    """Reads what has been appended since the last call. `offset`: the bytes that have been read."""

    path: Path
    offset: int = 0

    def new_lines(self) -> list[bytes]:
        """Whole ones, with their ends. A file that was cut is read on from its end. Raises FileError."""
        size = size_of(self.path)
        if size <= self.offset:
            self.offset = size
            return []
        with open_file(self.path) as file:
            file.seek(self.offset)
            data = file.read(min(size - self.offset, MAX_BYTES))
        complete = data[: data.rfind(b"\n") + 1]
        self.offset += len(complete)
        return complete.splitlines(keepends=True)


def size_of(path: Path) -> int:
    """0 if there is no file. Raises FileError for what is none."""
    try:
        with open_file(path) as file:
            return os.fstat(file.fileno()).st_size
    except MissingFileError:
        return 0
