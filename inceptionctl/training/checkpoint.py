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


def write(folder: Path, checkpoint: Checkpoint, keep: int, best: int | None = None) -> Path:
    """Adds a checkpoint to `folder` and removes all but the last `keep` and that of step `best`. Raises CheckpointError
    where that fails, for want of space for one; those before it stay."""
    final = place(folder, checkpoint.state["step"])
    temporary = folder / f".{final.name}"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        _write_whole(temporary, final, checkpoint)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise CheckpointError(f"cannot write {final}: {error.strerror}; the checkpoints before it are whole") from error
    own = [path for path in _complete(folder) if not path.is_symlink()]
    for old in own[:-keep]:
        if best is None or old != place(folder, best):
            shutil.rmtree(old)
    return final


def place(folder: Path, step: int) -> Path:
    return folder / f"step-{step:08d}"


def _write_whole(temporary: Path, final: Path, checkpoint: Checkpoint) -> None:
    """Everything is on the disk under another name before the folder gets its own."""
    temporary.mkdir(parents=True)
    digests: dict[str, str] = {}
    for name, tensors in checkpoint.tensors.items():
        digests[f"{name}.safetensors"] = _write_durably(temporary / f"{name}.safetensors", save(tensors))
    digests["state.json"] = _write_durably(temporary / "state.json", _json(checkpoint.state))
    _write_durably(temporary / MANIFEST, _json(digests))
    _sync(temporary)
    shutil.rmtree(final, ignore_errors=True)
    temporary.rename(final)
    _sync(final.parent)


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


def any_in(folder: Path) -> bool:
    return bool(_complete(folder))


def read(path: Path) -> Checkpoint:
    """Raises CheckpointError if a file is missing or differs from the manifest."""
    try:
        manifest = json.loads(_own_file(path, MANIFEST).read_text())
        for name in sorted(manifest.keys() | {"state.json"}):
            if _digest(_own_file(path, name).read_bytes()) != manifest.get(name):
                raise CheckpointError(f"checkpoint {path} is damaged: {name} does not match its checksum")
        tensors = {Path(name).stem: load_file(path / name) for name in manifest if name.endswith(".safetensors")}
        return Checkpoint(tensors, json.loads((path / "state.json").read_text()))
    except (OSError, ValueError, AttributeError, SafetensorError) as error:
        raise CheckpointError(f"checkpoint {path} is damaged: {error}") from error


def _own_file(path: Path, name: str) -> Path:
    """A checkpoint from a stranger may name, or link to, a file that is none of its business."""
    file = path / name
    if name != Path(name).name or path.is_symlink() or file.is_symlink():
        raise CheckpointError(f"checkpoint {path} is not to be trusted: {name} lies outside it")
    return file


def _complete(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step-*") if path.is_dir())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode()


def _write_durably(path: Path, data: bytes) -> str:
    """The digest of what is on the disk now."""
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
