"""The folders of checkpoints: which are complete, and whether one is undamaged. No torch.

checkpoints/step-00000440/  model.safetensors  ema.safetensors  optimizer.safetensors  random.safetensors
                            state.json  manifest.json (SHA-256 of the others, written last)
checkpoints/.step-00000440/ one that is being written, or that a killed process has left
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from inceptionctl.errors import CheckpointError
from inceptionctl.files import FileError, open_file, read_bytes

MANIFEST = "manifest.json"
STATE = "state.json"


def step_folder(folder: Path, step: int) -> Path:
    return folder / f"step-{step:08d}"


def complete(folder: Path) -> list[Path]:
    """The checkpoints in `folder`, oldest first. A complete one may still be damaged."""
    return sorted(path for path in folder.glob("step-*") if path.is_dir())


def own(folder: Path) -> list[Path]:
    """Those that may be removed: a link is somebody else's."""
    return [path for path in complete(folder) if not path.is_symlink()]


def unfinished(folder: Path) -> list[Path]:
    """What writers that were killed have left, or one that is at work is writing."""
    return sorted(path for path in folder.glob(".step-*") if path.is_dir() and not path.is_symlink())


def remove_unfinished(folder: Path) -> None:
    """Only for the process that holds the run's lock."""
    for path in unfinished(folder):
        shutil.rmtree(path, ignore_errors=True)


def verify(path: Path) -> list[str]:
    """The files of a checkpoint, each of which matches the manifest. Raises CheckpointError if one is missing, or does
    not match."""
    try:
        manifest = _read_object(_own_file(path, MANIFEST))
        for name in sorted(manifest.keys() | {STATE}):
            if _digest_of(_own_file(path, name)) != manifest.get(name):
                raise CheckpointError(f"checkpoint {path} is damaged: {name} does not match its checksum")
        return list(manifest)
    except (OSError, ValueError, RecursionError, FileError) as error:
        raise damaged(path, error) from error


def read_state(path: Path) -> dict[str, Any]:
    """All of a checkpoint that is no tensor. Raises CheckpointError."""
    try:
        return _read_object(_own_file(path, STATE))
    except (OSError, ValueError, RecursionError, FileError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"checkpoint {path} is damaged: {error}")


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
