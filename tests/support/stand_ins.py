"""Small scripts in place of Slurm's commands: they record their arguments and print what a test tells them to."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path


def stand_in(folder: Path, name: str, does: str = "") -> None:
    """A command; `does`: lines of bash, in which $words holds all its arguments."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/bash\nwords="$*"\necho "$words" >>"$0.calls"\n{does}\n')
    path.chmod(0o755)


def calls(folder: Path, name: str) -> list[str]:
    """The arguments of each call, as one line."""
    recorded = folder / f"{name}.calls"
    return recorded.read_text().splitlines() if recorded.is_file() else []


def sleeping_command() -> subprocess.Popen[bytes]:
    """A process that looks like one of the program's commands."""
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "inceptionctl"])
    words = Path(f"/proc/{started.pid}/cmdline")
    while words.is_file() and b"inceptionctl" not in words.read_bytes():  # the kernel fills it in after the start
        time.sleep(0.01)
    return started
