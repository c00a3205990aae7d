"""Reads files of weights, whoever wrote them: what a file is, and the state dicts in it. Nothing in a file is ever run.
No torch.

The one place that does. The format is told by the content, never by the name; values are read when they are asked for.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from inceptionctl.models.weights.contents import ForeignFile, StateDict, Stored, parts_of
from inceptionctl.models.weights.formats import foreign, head_of_file
from inceptionctl.models.weights.safetensors_file import is_safetensors, read_header
from inceptionctl.models.weights.torch_file import SAVE_AGAIN, is_legacy, read_legacy, read_zip
from inceptionctl.models.weights.unpickle import Inert


def state_dicts(path: Path) -> list[StateDict]:
    """The state dicts of a file, which has at least one. Raises ForeignFile (exit code 2) that says what else it is."""
    try:
        status = path.stat()
    except OSError:
        head_of_file(path)  # raises, with the reason
        raise
    return _state_dicts_once(path, status.st_mtime_ns, status.st_size)


@cache  # the rows of a table may start from one file
def _state_dicts_once(path: Path, _mtime: int, _size: int) -> list[StateDict]:
    tree = _tree(path)
    if found := parts_of(tree):
        return found
    if isinstance(tree, Inert) or (isinstance(tree, dict) and any(isinstance(v, Inert) for v in tree.values())):
        classes = {v.name for v in ([tree] if isinstance(tree, Inert) else tree.values()) if isinstance(v, Inert)}
        raise ForeignFile(
            f"{path} is a whole model, an object of {', '.join(sorted(classes))}, not its weights; nothing in it was "
            f"run\n{SAVE_AGAIN}"
        )
    raise ForeignFile(f"{path} contains no state dict, that is tensors by their names: it is {_described(tree)}")


def _tree(path: Path) -> Any:  # noqa: ANN401  whatever a file holds
    head = head_of_file(path)
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return read_zip(path)
    if is_legacy(head):
        return read_legacy(path)
    if is_safetensors(head):
        return read_header(path)
    raise ForeignFile(f"{path} is not a file of weights: it is {foreign(path, head)}")


def _described(tree: Any) -> str:  # noqa: ANN401
    if isinstance(tree, Stored):
        return "a single tensor"
    if isinstance(tree, dict):
        return f"a dictionary with {', '.join(map(str, list(tree)[:5]))}" if tree else "an empty dictionary"
    return f"a {type(tree).__name__}"
