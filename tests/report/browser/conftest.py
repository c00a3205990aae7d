"""Debian's Chromium, and the page of a made-up table."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from inceptionctl.report.write import write

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: .ci/browser installs it")
    return browser_type_launch_args | {"executable_path": CHROMIUM, "args": ["--no-sandbox"]}


@pytest.fixture(scope="session")
def base_url() -> None:
    """Pages are files. The plugin's own fixture of this name warns under the newest pytest."""


@pytest.fixture
def report(ladder) -> Path:
    """The page of a ladder with three seeds of each row."""
    return write(ladder, kinds=[]).texts["html"]


@pytest.fixture
def own_report(own_table) -> Path:
    return write(own_table, kinds=[]).texts["html"]
