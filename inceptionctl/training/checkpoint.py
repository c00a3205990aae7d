"""Checkpoints: folders of safetensors and JSON, written completely or not at all, verified when read. No pickle.

checkpoints/step-00000440/  model.safetensors  ema.safetensors  optimizer.safetensors  random.safetensors
                            state.json  manifest.json (SHA-256 of the others, written last)
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
from inceptionctl.files import FileError, open_file, read_bytes

MANIFEST = "manifest.json"
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
    own = [path for path in _complete(folder) if not path.is_symlink()]
    for old in own[:-keep]:
        if best is None or old != step_folder(folder, best):
            shutil.rmtree(old)
    return final


def step_folder(folder: Path, step: int) -> Path:
    return folder / f"step-{step:08d}"


def _write_folder(temporary: Path, final: Path, checkpoint: Checkpoint) -> None:
    """Everything is on the disk before the temporary folder gets its final name."""
    final.parent.mkdir(exist_ok=True)
    temporary.mkdir()
    digests: dict[str, str] = {}
    for name, tensors in checkpoint.tensors.items():
        digests[f"{name}.safetensors"] = _write_durably(temporary / f"{name}.safetensors", save(tensors))
    digests["state.json"] = _write_durably(temporary / "state.json", _json(checkpoint.state))
    _write_durably(temporary / MANIFEST, _json(digests))
    _sync(temporary)
    shutil.rmtree(final, ignore_errors=True)
    temporary.rename(final)
    _sync(final.parent)


def remove_unfinished(folder: Path) -> None:
    """Removes what writers that were killed have left. Only for the process that holds the run's lock."""
    for path in folder.glob(".step-*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)


def read_latest(folder: Path, report: Callable[[str], None]) -> Checkpoint | None:
    """The newest undamaged checkpoint, or None if there is none; a damaged one is reported and skipped.

    Raises CheckpointError if all are damaged.
    """
    paths = _complete(folder)
    for path in reversed(paths):
        try:
            return read(path)
        except CheckpointError as error:
            report(f"{error}; using the one before it")
    if paths:
        raise CheckpointError(f"every checkpoint in {folder} is damaged: start again with rerun=true")
    return None


def exists(folder: Path) -> bool:
    return bool(_complete(folder))


def read(path: Path) -> Checkpoint:
    """Raises CheckpointError if a file is missing, does not match the manifest, or is none."""
    try:
        manifest = _read_object(_own_file(path, MANIFEST))
        for name in sorted(manifest.keys() | {"state.json"}):
            if _digest_of(_own_file(path, name)) != manifest.get(name):
                raise CheckpointError(f"checkpoint {path} is damaged: {name} does not match its checksum")
        tensors = {Path(name).stem: load_file(path / name) for name in manifest if name.endswith(".safetensors")}
        return Checkpoint(tensors, _read_object(path / "state.json"))
    except (OSError, ValueError, RecursionError, SafetensorError, FileError) as error:
        raise CheckpointError(f"checkpoint {path} is damaged: {error}") from error


def _read_object(path: Path) -> dict[str, Any]:
    found = json.loads(read_bytes(path))
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} is no mapping")
    return found


def _digest_of(path: Path) -> str:
    found = hashlib.sha256()
    with open_file(path) as file:
        while data := file.read(1 << 20):
            found.update(data)
    return found.hexdigest()


def _own_file(path: Path, name: str) -> Path:
    """Refuses names and links that lead out of the folder: the checkpoint may come from a stranger."""
    file = path / name
    if name != Path(name).name or path.is_symlink() or file.is_symlink():
        raise CheckpointError(f"checkpoint {path} cannot be trusted: {name} is outside its folder")
    return file


def _complete(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step-*") if path.is_dir())


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
