"""Images that lie in larger files: tar archives, and arrays of pixels. No torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from inceptionctl.files import FileError, open_file

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ByteRanges:
    """Where each image begins. `files`: paths below the root of a FileList; `file_N`: which of them an image lies in;
    `offset_N`: of its first byte. `shape`: of raw pixels, uint8, (3, height, width) or of grey ones (height, width);
    None: each image is encoded as in a file of its own."""

    files: tuple[str, ...]
    file_N: np.ndarray
    offset_N: np.ndarray
    shape: Shape | None = None

    @classmethod
    def of(cls, facts: Mapping[str, Any], split: str, arrays: Mapping[str, np.ndarray]) -> ByteRanges:
        """From the arrays of a stored index."""
        shape = facts["shape"] and tuple(facts["shape"])
        return cls(tuple(facts["files"]), arrays[f"{split}.file"], arrays[f"{split}.offset"], shape)

    @property
    def facts(self) -> dict[str, Any]:
        """What is not in arrays, for JSON."""
        return {"files": self.files, "shape": self.shape}

    def to_arrays(self, split: str) -> dict[str, np.ndarray]:
        return {f"{split}.file": self.file_N, f"{split}.offset": self.offset_N}

    def file(self, index: int) -> str:
        return self.files[int(self.file_N[index])]

    def subset(self, chosen_N: np.ndarray) -> ByteRanges:
        return replace(self, file_N=self.file_N[chosen_N], offset_N=self.offset_N[chosen_N])

    def read(self, root: str, index: int, size: int) -> bytes:
        """Raises FileError for a file that is missing or ends within the image."""
        path, offset = Path(root, self.file(index)), int(self.offset_N[index])
        with open_file(path) as file:
            try:
                data = os.pread(file.fileno(), size, offset)
            except OSError as error:
                raise FileError(f"{path} cannot be read: {error.strerror}") from error
        if len(data) < size:
            raise FileError(f"{path} cannot be read: it is cut short, and ends before byte {offset + size:,}")
        return data

    def check(self, length: int) -> None:
        """Raises ValueError unless there is a place in one of the files for each of `length` images."""
        for values_N in (self.file_N, self.offset_N):
            if values_N.dtype.kind != "i" or values_N.shape != (length,) or values_N.min(initial=0) < 0:
                raise ValueError("the places of images in larger files are not one for each image")
        if self.file_N.max(initial=-1) >= len(self.files) or not all(isinstance(name, str) for name in self.files):
            raise ValueError("an image lies in none of the larger files")
