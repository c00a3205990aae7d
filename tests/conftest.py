"""Fixtures that several rooms share."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import Result, call, call_here


def pytest_collection_finish() -> None:
    """The libraries that are imported by now stay: the collector need not look through them again during the tests."""
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # what the libraries hold is freed at the end, or nanobind lists it as leaked


@pytest.fixture
def inceptionctl(tmp_path: Path) -> Callable[..., Result]:
    """The command line in a process of its own, in an empty folder unless `cwd` says where."""

    def run(*words: str, cwd: Path = tmp_path, **environment: str) -> Result:
        return call(*words, cwd=cwd, **environment)

    return run


@pytest.fixture
def inceptionctl_here(tmp_path: Path) -> Callable[..., Result]:
    """The same in this process: a tenth of the time, for what does not depend on how a process starts or ends."""

    def run(*words: str, cwd: Path = tmp_path, **environment: str) -> Result:
        return call_here(*words, cwd=cwd, **environment)

    return run
