"""The page of a made-up table."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.chromium import base_url, browser_type_launch_args  # noqa: F401  fixtures

from inceptionctl.report.write import write


@pytest.fixture
def report(ladder) -> Path:
    """The page of a ladder with three seeds of each row."""
    return write(ladder, kinds=[]).texts["html"]


@pytest.fixture
def own_report(own_table) -> Path:
    return write(own_table, kinds=[]).texts["html"]
