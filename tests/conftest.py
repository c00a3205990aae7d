"""Fixtures that several rooms share."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.command_line import Result, call, call_here


def pytest_collection_finish() -> None:
    """The libraries that are imported by now stay: the collector need not look through them again during the tests."""
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # what the libraries hold is freed at the end, or nanobind lists it as leaked


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Decoded images of the tests do not go to the user's cache. What libraries keep there stays where it is."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    of_libraries = {"MPLCONFIGDIR": "matplotlib", "HF_HOME": "huggingface", "TORCH_HOME": "torch"}
    with pytest.MonkeyPatch.context() as patch:
        for name, folder in of_libraries.items():
            patch.setenv(name, os.environ.get(name) or str(cache / folder))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


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


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out what takes most of a report's time, for tests of its texts."""
    monkeypatch.setattr("inceptionctl.report.plots.draw.draw", lambda *_: [])
    monkeypatch.setattr("inceptionctl.report.page.render.page_figures", lambda _: [])
