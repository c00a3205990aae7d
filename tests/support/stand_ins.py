"""Small scripts in the place of Slurm's commands: they note how they are called, and answer as they are told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def stand_in(folder: Path, name: str, does: str = "") -> None:
    """A command; `does`: lines of bash, in which $words are all its arguments."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/bash\nwords="$*"\necho "$words" >>"$0.calls"\n{does}\n')
    path.chmod(0o755)


def calls(folder: Path, name: str) -> list[str]:
    """The arguments of each call, as one line."""
    noted = folder / f"{name}.calls"
    return noted.read_text().splitlines() if noted.is_file() else []


def command() -> subprocess.Popen[bytes]:
    """A process that looks like one of the program's commands."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "inceptionctl"])
