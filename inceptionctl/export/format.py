"""What a format of exported networks is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from inceptionctl.export.trained import Trained

Logits = Callable[[Tensor], Tensor]  # of normalised images, float32 (N, 3, H, W): (N, classes)


@dataclass(frozen=True, kw_only=True)
class Format:
    """`library`: what opens it, by its name on the Hugging Face Hub; `check` raises RequestError for a network that it
    cannot hold; `write` puts the network into an empty folder; `open` reads it back from there, as `usage` says: Python
    that is run in the folder and computes `logits_NK` of normalised `images_NCHW`."""

    library: str
    check: Callable[[Trained], None]
    write: Callable[[Trained, Path], None]
    open: Callable[[Trained, Path], Logits]
    usage: Callable[[Trained], str]


def holds_any(trained: Trained) -> None:
    """The check of a format that holds every network."""
