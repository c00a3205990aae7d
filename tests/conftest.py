"""Fixtures that several rooms share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import Result, call


@pytest.fixture
def inceptionctl(tmp_path: Path) -> Callable[..., Result]:
    """The command line in an empty folder, unless `cwd` says where."""

    def run(*words: str, cwd: Path = tmp_path, **environment: str) -> Result:
        return call(*words, cwd=cwd, **environment)

    return run
