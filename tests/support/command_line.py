"""The command line, in a process of its own or in this one."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from inceptionctl import cli

Result = subprocess.CompletedProcess[str]
# The smallest run that goes through everything: a tenth of the width, a few steps; one rendering of each digit.
SHORT = ["arch.width=0.1", "train.epochs=0.2", "train.monitor=20", "train.log_every=2", "launch.threads=1"]
TINY = [*SHORT, "data.renderings=1"]


def latest(*words: str) -> list[str]:
    """The words without those whose setting a later one sets: to give a setting twice is refused."""
    by_key = {word.lstrip("+").partition("=")[0]: word for word in words}
    return [word for word in words if by_key[word.lstrip("+").partition("=")[0]] is word]


def call(*words: str, cwd: Path, **environment: str) -> Result:
    """Runs the command line as a person would, off a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "inceptionctl", *words],
        cwd=cwd,
        env=os.environ | {"COLUMNS": "100", "OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )


def call_here(*words: str, cwd: Path, **environment: str) -> Result:
    """The same in this process, which has everything imported and whose fork server is warm."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", sys.argv)  # Hydra's command sets it
        for name, value in ({"COLUMNS": "100"} | environment).items():
            patch.setenv(name, value)
        try:
            code = cli.main([*words])
        except SystemExit as end:
            code = int(end.code or 0)
    return Result(words, code, out.getvalue(), err.getvalue())
