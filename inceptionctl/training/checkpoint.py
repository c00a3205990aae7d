"""Checkpoints: folders of safetensors and JSON, written completely or not at all, verified when read. No pickle."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from inceptionctl.errors import CheckpointError
from inceptionctl.training.checkpoint_folder import (
    MANIFEST,
    STATE,
    complete,
    damaged,
    own,
    read_state,
    step_folder,
    verify,
)

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """`tensors` by file name; `state` holds the step and all that is no tensor."""

    tensors: dict[str, Tensors]
    state: dict[str, Any]


def write(folder: Path, checkpoint: Checkpoint, keep: int, best: int | None = None) -> Path:
    """Adds a checkpoint to `folder`, then removes all but the last `keep` and that of step `best`.

    Raises CheckpointError if it cannot be written, for example for lack of space; those before it are kept.
    """
    final = step_folder(folder, checkpoint.state["step"])
    temporary = folder / f".{final.name}"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        _write_folder(temporary, final, checkpoint)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise CheckpointError(f"cannot write {final}: {error.strerror}; earlier checkpoints are intact") from error
    for old in own(folder)[:-keep]:
        if best is None or old != step_folder(folder, best):
            shutil.rmtree(old)
    return final


def _write_folder(temporary: Path, final: Path, checkpoint: Checkpoint) -> None:
    """Everything is on the disk before the temporary folder gets its final name."""
    final.parent.mkdir(exist_ok=True)
    temporary.mkdir()
    digests: dict[str, str] = {}
    for name, tensors in checkpoint.tensors.items():
        digests[f"{name}.safetensors"] = _write_durably(temporary / f"{name}.safetensors", save(tensors))
    digests[STATE] = _write_durably(temporary / STATE, _json(checkpoint.state))
    _write_durably(temporary / MANIFEST, _json(digests))
    _sync(temporary)
    shutil.rmtree(final, ignore_errors=True)
    temporary.rename(final)
    _sync(final.parent)


def read_latest(folder: Path, report: Callable[[str], None]) -> Checkpoint | None:
    """The newest undamaged checkpoint, or None if there is none; a damaged one is reported and skipped.

    Raises CheckpointError if all are damaged.
    """
    paths = complete(folder)
    for path in reversed(paths):
        try:
            return read(path)
        except CheckpointError as error:
            report(f"{error}; using the one before it")
    if paths:
        raise CheckpointError(f"every checkpoint in {folder} is damaged: start again with rerun=true")
    return None


def exists(folder: Path) -> bool:
    return bool(complete(folder))


def read(path: Path) -> Checkpoint:
    """Raises CheckpointError if a file is missing, does not match the manifest, or is none."""
    files = verify(path)
    try:
        tensors = {Path(name).stem: load_file(path / name) for name in files if name.endswith(".safetensors")}
    except (OSError, ValueError, SafetensorError) as error:
        raise damaged(path, error) from error
    return Checkpoint(tensors, read_state(path))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode()


def _write_durably(path: Path, data: bytes) -> str:
    """Returns the digest of `data`, which is then on the disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return _digest(data)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
