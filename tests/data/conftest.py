"""Fixtures of the tests of data."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest


@pytest.fixture(autouse=True)
def published_facts() -> Iterator[None]:
    """Small copies of published data sets replace the checksums that are expected (`support.downloaded_sets`)."""
    yield
    mock.patch.stopall()
