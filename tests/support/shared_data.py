"""Real images and weights that are too large, or not ours, for the repository: ../shared/data beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "INCEPTIONCTL_SHARED_DATA"
REPOSITORY = Path(__file__).parents[2]


def shared_data(name: str) -> Path:
    """The file or folder of that name, from the folder that the variable names or from shared/data beside or above the
    repository. Skips the test where there is none."""
    stated = os.environ.get(VARIABLE)
    folders = [Path(stated)] if stated else [above / "shared" / "data" for above in REPOSITORY.parents]
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    pytest.skip(f"{name} is not in {', '.join(map(str, folders))} ({VARIABLE}=DIR names another folder)")
