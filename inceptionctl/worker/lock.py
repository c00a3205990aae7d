"""The lock of a run folder: one process at a time works on a run, or changes what its result says."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from typing import BinaryIO

from inceptionctl.errors import Interrupted, RequestError
from inceptionctl.runs.io import make_private, open_own
from inceptionctl.runs.paths import RunDir

PROBE_SECONDS = 0.5  # a command that asks whether a run is locked holds its lock for a moment


def acquire(run: RunDir, timeout_s: float = 0.0, stop: Callable[[], bool] = lambda: False) -> BinaryIO:
    """The run's lock, once it is ours; it goes when it is closed, or this process ends in whatever way. Raises OSError,
    RequestError if another process has it for longer than `timeout_s`, and Interrupted once `stop` says so."""
    deadline = time.monotonic() + max(timeout_s, PROBE_SECONDS)
    while (lock := _lock_of(run)) is None:
        if stop():
            raise Interrupted(f"stopped while another process worked on {run.path}")
        if time.monotonic() > deadline:
            raise RequestError(f"another process is working on {run.path}")
        time.sleep(0.1)
    return lock


def _lock_of(run: RunDir) -> BinaryIO | None:
    """None if another process has it. A lock file with other names (hard links), which processes may hold for other
    folders, is replaced while it is held."""
    lock = open_own(run.lock)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        make_private(run.lock)
        if os.path.samestat(os.fstat(lock.fileno()), run.lock.stat()):
            return lock
    except BlockingIOError:
        lock.close()
        return None
    except BaseException:
        lock.close()
        raise
    lock.close()
    return _lock_of(run)
