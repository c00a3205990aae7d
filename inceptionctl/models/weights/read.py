"""Reads files of weights; nothing in them is ever run."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from inceptionctl.errors import RequestError
from inceptionctl.models.weights.releases import SUFFIXES

Tensors = dict[str, Tensor]


def read_weights(path: Path) -> Tensors:
    """The tensors of a file by their names. Raises RequestError for anything else, code in a pickle included."""
    if path.suffix not in SUFFIXES:
        raise RequestError(f"{path}: weights end in {', '.join(SUFFIXES)}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # both readers raise anything for foreign bytes
        if code := re.search(r"GLOBAL \S+", str(error)):
            raise RequestError(
                f"{path} contains more than tensors ({code[0]}); nothing in it was run; "
                "if you trust it, save its state_dict as safetensors where it came from"
            ) from error
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise RequestError(f"{path} cannot be read as weights: {reason}") from error
    return _state_dict(loaded, path)


def _state_dict(loaded: object, path: Path) -> Tensors:
    """Bare or as `state_dict` or `model` of a training checkpoint; without DataParallel's prefix."""
    for key in ("state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise RequestError(f"{path} contains no state dict, that is tensors by their names")
    return {str(key).removeprefix("module."): value for key, value in loaded.items()}
