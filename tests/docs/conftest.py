"""The documentation as a site, built once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.chromium import base_url, browser_type_launch_args  # noqa: F401  fixtures
from support.documentation import DOCS


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder. Any warning of the build is a failure: links that lead nowhere, headings that are not there."""
    pytest.importorskip("sphinx", reason="the extra docs is not installed: it needs Python 3.11")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", str(DOCS), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return out
