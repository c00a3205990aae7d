"""A folder that is written whole or not at all, and never over another."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inceptionctl.errors import InceptionctlError, RequestError


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """An empty folder beside `path` that takes its name, durably, when the block ends without an exception; otherwise
    nothing is left of it. The folder that it lies in is made, but none above. Raises InceptionctlError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(exist_ok=True)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        yield temporary
        for file in temporary.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())
        if os.path.lexists(path):
            raise RequestError(f"{path} was made meanwhile: nothing is written over")
        temporary.rename(path)
    except OSError as error:
        raise InceptionctlError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        _remove_empty(path.parent)


def _remove_empty(folder: Path) -> None:
    """`export` of a run in which nothing was written."""
    if folder.name == "export" and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
