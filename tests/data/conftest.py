"""Fixtures of the tests of data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest


@pytest.fixture(autouse=True)
def published_facts() -> Iterator[None]:
    """Small copies of published data sets replace the checksums that are expected (`support.downloaded_sets`)."""
    yield
    mock.patch.stopall()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of decoded images, in a user's cache of the test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "inceptionctl" / "pixels"
