"""Checkpoints: a folder of safetensors and JSON, written whole or not at all, checked when read. No pickle.

checkpoints/step-00000440/  model.safetensors  ema.safetensors  optimizer.safetensors  random.safetensors
                            state.json  manifest.json (sha256 of the others; last to be written)
"""

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

MANIFEST = "manifest.json"
Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """`tensors` by file, and what is no tensor in `state`: the step among it."""

    tensors: dict[str, Tensors]
    state: dict[str, Any]


def write(folder: Path, checkpoint: Checkpoint, keep: int) -> Path:
    """Adds a checkpoint to `folder` and removes all but the last `keep`."""
    final = folder / f"step-{checkpoint.state['step']:08d}"
    temporary = folder / f".{final.name}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    contents = {f"{name}.safetensors": save(tensors) for name, tensors in checkpoint.tensors.items()}
    contents["state.json"] = json.dumps(checkpoint.state, indent=2).encode()
    contents[MANIFEST] = json.dumps({name: _digest(data) for name, data in contents.items()}, indent=2).encode()
    for name, data in contents.items():
        _write_durably(temporary / name, data)
    shutil.rmtree(final, ignore_errors=True)
    temporary.rename(final)
    _sync(folder)
    for old in _complete(folder)[:-keep]:
        shutil.rmtree(old)
    return final


def read_latest(folder: Path, report: Callable[[str], None]) -> Checkpoint | None:
    """The newest checkpoint that is whole; a damaged one is reported and the one before it used. None if there is none.

    Raises CheckpointError if there are some and all are damaged.
    """
    found = _complete(folder)
    for path in reversed(found):
        try:
            return read(path)
        except CheckpointError as error:
            report(f"{error}; using the one before it")
    if found:
        raise CheckpointError(f"every checkpoint in {folder} is damaged: start again with rerun=true")
    return None


def read(path: Path) -> Checkpoint:
    """Raises CheckpointError if a file is missing or differs from the manifest."""
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        for name, digest in manifest.items():
            if _digest((path / name).read_bytes()) != digest:
                raise CheckpointError(f"checkpoint {path} is damaged: {name} does not match its checksum")
        tensors = {Path(name).stem: load_file(path / name) for name in manifest if name.endswith(".safetensors")}
        return Checkpoint(tensors, json.loads((path / "state.json").read_text()))
    except (OSError, ValueError, AttributeError, SafetensorError) as error:
        raise CheckpointError(f"checkpoint {path} is damaged: {error}") from error


def _complete(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step-*") if path.is_dir())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
