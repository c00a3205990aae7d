"""Starts other programs. A Python that is started here, or by a library, runs nothing that lies in the current folder.

By itself, `python -c` and `python -m` look there first for every module, those of the standard library too, and a
folder that somebody sent may hold a `torch.py`. Python 3.11 has PYTHONSAFEPATH against that, Python 3.10 has nothing.
What PYTHONPATH names is the user's wish, and stays.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile

SAFE_PATH = "PYTHONSAFEPATH"
KNOWS_SAFE_PATH = sys.version_info >= (3, 11)
LONGEST_TMPDIR = 70  # bytes, with what multiprocessing adds: /pymp-xxxxxxxx/listener-xxxxxxxx
SHORT_TMPDIRS = ("/tmp", "/var/tmp", "/dev/shm")
POLL_SECONDS = 0.05
NOT_HERE = "import sys; sys.path[0] or sys.path.pop(0); "  # before any other import; `sys` is built in


@dataclass(frozen=True)
class Done:
    """A program that has ended: its exit code, negative for a signal, and what it wrote."""

    code: int
    output: bytes
    errors: bytes

    @property
    def text(self) -> str:
        return self.output.decode(errors="replace")

    @property
    def message(self) -> str:
        return self.errors.decode(errors="replace")


class TooSlowError(Exception):
    """A program did not end in time, and was killed."""


def python_module(module: str, *words: str) -> list[str]:
    """The command that runs `module` as `python -m` does, but never one of the current folder."""
    return [sys.executable, "-P", "-m", module, *words] if KNOWS_SAFE_PATH else by_code(module, *words)


def by_code(module: str, *words: str) -> list[str]:
    """`python_module` for a Python that has no -P."""
    code = f"{NOT_HERE}import runpy; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    return [sys.executable, "-c", code, *words]


def run(command: Sequence[str], data: bytes = b"", seconds: float | None = None, **variables: str) -> Done:
    """Runs a program to its end, with `data` as its input and `variables` in its environment. Raises
    FileNotFoundError if it is not installed, TooSlowError after `seconds`."""
    environment = os.environ | variables
    try:
        done = subprocess.run(command, input=data, timeout=seconds, env=environment, capture_output=True, check=False)
    except subprocess.TimeoutExpired as error:
        raise TooSlowError(f"{command[0]} did not end in {seconds:g} s") from error
    return Done(done.returncode, done.stdout, done.stderr)


def run_until(words: str, command: Sequence[str], data: bytes, seconds: float) -> Done:
    """Runs a program to its end, or until `words` stand in what it says to its error stream. It is killed then, with
    what it has started, and so it is by Ctrl-C, which does not reach it otherwise. Raises FileNotFoundError if it is
    not installed, TooSlowError after `seconds`."""
    with TemporaryFile() as given, TemporaryFile() as output, TemporaryFile() as errors:
        given.write(data)
        given.seek(0)
        deadline = time.monotonic() + seconds
        with subprocess.Popen(command, stdin=given, stdout=output, stderr=errors, start_new_session=True) as program:
            try:
                while program.poll() is None and words.encode() not in _content(errors.fileno()):
                    if time.monotonic() > deadline:
                        raise TooSlowError(f"{command[0]} did not end in {seconds:g} s")
                    time.sleep(POLL_SECONDS)
            finally:
                if program.poll() is None:
                    os.killpg(program.pid, signal.SIGKILL)
        return Done(program.returncode, _content(output.fileno()), _content(errors.fileno()))


def _content(file: int) -> bytes:
    return os.pread(file, os.fstat(file).st_size, 0)


def run_in_sight(command: Sequence[str]) -> int:
    """Runs a program whose output is shown as it comes: its exit code."""
    return subprocess.run(command, check=False).returncode


def never_from_current_folder() -> None:
    """For every Python that this process, or one that it starts, will start: the servers and workers of
    multiprocessing, torch's compilers, what trackers start."""
    os.environ[SAFE_PATH] = "1"
    if not KNOWS_SAFE_PATH:
        clean_multiprocessing()


@cache  # once
def clean_multiprocessing() -> None:
    """The same where Python does not know PYTHONSAFEPATH, for the processes of multiprocessing: it starts them by
    `python -c`."""
    from multiprocessing import util

    start = util.spawnv_passfds

    def start_elsewhere(path: bytes, words: Sequence[str], descriptors: Sequence[int]) -> int:
        code = words.index("-c") + 1
        return int(start(path, [*words[:code], NOT_HERE + words[code], *words[code + 1 :]], descriptors))

    util.spawnv_passfds = start_elsewhere  # type: ignore[assignment]


def short_socket_paths() -> None:
    """Lets multiprocessing, here and in the processes that it starts, have its sockets elsewhere if TMPDIR is too long:
    the path of a socket has at most 107 bytes. Raises OSError if no other folder can be written to."""
    import tempfile
    from multiprocessing import util

    if len(os.fsencode(tempfile.gettempdir())) <= LONGEST_TMPDIR:
        return
    before = tempfile.tempdir
    tempfile.tempdir = next((folder for folder in SHORT_TMPDIRS if os.access(folder, os.W_OK | os.X_OK)), before)
    try:
        util.get_temp_dir()  # it is made once, and kept
    finally:
        tempfile.tempdir = before


def leave_out_current_folder() -> None:
    """After a user's `python -m` of a module of this package, which put the current folder first on the path: it goes,
    unless the package itself lies there."""
    first, package = Path(sys.path[0] or "."), Path(__file__).resolve().parent
    if not os.environ.get(SAFE_PATH) and first.is_dir() and first.samefile(".") and not package.parent.samefile(first):
        sys.path.pop(0)
