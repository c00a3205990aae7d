"""Fixtures that several rooms share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Result = subprocess.CompletedProcess[str]
# The smallest run that goes through everything: a tenth of the width, a few steps, one rendering of each digit.
TINY = [
    "arch.width=0.1",
    "train.epochs=0.2",
    "data.renderings=1",
    "train.monitor=20",
    "train.log_every=2",
    "launch.threads=1",
]


@pytest.fixture
def inceptionctl(tmp_path: Path) -> Callable[..., Result]:
    """Runs the command line in an empty folder, as a person would."""

    def run(*words: str, cwd: Path = tmp_path, **environment: str) -> Result:
        return subprocess.run(
            [sys.executable, "-m", "inceptionctl", *words],
            cwd=cwd,
            env=os.environ | {"COLUMNS": "100", "OMP_NUM_THREADS": "1"} | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run
