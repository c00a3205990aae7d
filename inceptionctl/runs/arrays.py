"""NPZ files of a run folder: the version of their layout is in `schema`, and nothing in them is unpickled."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from inceptionctl.runs.io import RecordError, writing


def write_arrays(path: Path, schema: int, arrays: Mapping[str, Any]) -> None:
    with writing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, schema=schema, **arrays)


def read_arrays(path: Path, schema: int) -> dict[str, np.ndarray]:
    """Raises RecordError for a file that is missing, damaged, or of another version."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = dict(stored)
    except FileNotFoundError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise RecordError(f"{path} is damaged: {error}") from error
    if (found := arrays.pop("schema", None)) != schema:
        raise RecordError(f"{path} is of another version: schema = {found}, not {schema}")
    return arrays
