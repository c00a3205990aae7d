"""Folders of this program in the user's cache, where the XDG base directory specification has it."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """`inceptionctl/NAME` in the user's cache; it need not exist. A relative XDG_CACHE_HOME is ignored, by its
    standard."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "inceptionctl" / name
