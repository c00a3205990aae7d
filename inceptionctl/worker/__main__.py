"""`python -m inceptionctl.worker RUN_DIR`: one rank, which reads everything from the run folder and writes there.

Exits with the codes of the command line.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from inceptionctl.errors import InceptionctlError, Interrupted, RequestError
from inceptionctl.launch.local import exit_with_parent
from inceptionctl.launch.watchdog import exit_when_hung
from inceptionctl.runs import permissions
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.exits import clear_exit, record_exit
from inceptionctl.runs.io import make_private, open_own
from inceptionctl.runs.paths import EXIT_RETRY, RunDir
from inceptionctl.runs.starts import SUBMISSION, check_time_limit, record_start

RESERVE_BYTES = 1 << 14  # for the last messages of a run on a full disk
PROBE_SECONDS = 0.5  # a command that asks whether a run is locked holds its lock for a moment
STOP_TIMEOUT_SECONDS = 20.0  # to reach the end of a step; a rank whose peer is gone may wait for it forever


@dataclass
class StopFlag:
    """Set by the first signal and read between steps; a second signal ends the process at once. `is_distributed`: one
    of several ranks, which also ends if it does not get to the end of its step in time."""

    is_distributed: bool = False
    is_set: bool = False
    was_read: bool = False
    signal_number: int = 0

    def __call__(self) -> bool:
        self.was_read = self.is_set
        return self.is_set

    def set(self, signal_number: int = 0, frame: FrameType | None = None) -> None:
        if self.is_set:
            os._exit(Interrupted.exit_code)
        self.is_set, self.signal_number = True, signal_number
        if self.is_distributed:
            threading.Thread(target=self._exit_if_unread, daemon=True).start()

    def _exit_if_unread(self) -> None:
        time.sleep(STOP_TIMEOUT_SECONDS)
        if not self.was_read:
            os._exit(Interrupted.exit_code)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m inceptionctl.worker", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN_DIR")
    permissions.restrict()
    return work(RunDir(parser.parse_args(argv).run))


def work(run: RunDir, liveness_pipe: Connection | None = None, lock_timeout_s: float = 0.0) -> int:
    """Works on `run` until it is finished, a signal arrives or `liveness_pipe` closes. Returns the exit code.

    `lock_timeout_s`: how long to wait for the lock of a process that worked on the run before and is about to end.
    """
    stop = StopFlag(is_distributed=_world_size() > 1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
        signal.signal(number, stop.set)
    if liveness_pipe:
        exit_with_parent(liveness_pipe)
    try:
        with _recorded(run, _rank()) if _rank() else _locked(run, lock_timeout_s):
            _fit(run, stop)
        return 0
    except InceptionctlError as error:
        print(f"inceptionctl: {error}", file=sys.stderr)
        if _rank() and isinstance(error, Interrupted):
            os._exit(0)  # the exit of rank 0, which may still be saving, is that of the run
        return error.exit_code
    except Exception as error:
        traceback.print_exc()
        return _exit_code(error)


def _rank() -> int:
    return int(os.environ.get("RANK", "0"))


def _world_size() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def _fit(run: RunDir, stop: StopFlag) -> None:
    """Raises Interrupted if told to stop; InceptionctlError if a job's time limit is too short for a single step."""
    steps_done, steps_per_epoch = 0, 1
    try:
        from inceptionctl.worker.assemble import assemble  # takes seconds: after the signals are handled

        if stop():
            raise Interrupted("stopped before training began")
        trainer = assemble(run)
        first_step = trainer.clock.step
        try:
            trainer.fit(stop)
        finally:
            steps_done, steps_per_epoch = trainer.clock.step - first_step, trainer.clock.steps_per_epoch
    except Interrupted:
        if stop.signal_number == signal.SIGUSR2 and _rank() == 0:
            check_time_limit(read_config(run).launch, steps_done, steps_per_epoch)
        raise


def _exit_code(error: BaseException) -> int:
    """Of a process that `error` ends."""
    if isinstance(error, InceptionctlError):
        return error.exit_code
    if _world_size() > 1 and isinstance(error, Exception):
        from inceptionctl.training.distributed.context import is_peer_failure

        return EXIT_RETRY if is_peer_failure(error) else 1
    return 1


def _message(error: BaseException) -> str:
    return str(error) if isinstance(error, InceptionctlError) else f"{type(error).__name__}: {error}"


@contextmanager
def _recorded(run: RunDir, rank: int) -> Iterator[None]:
    """Records in exit.json how this rank failed, if it does. Rank 0 holds the lock for all."""
    try:
        yield
    except BaseException as error:
        record_exit(run, _exit_code(error), _message(error), rank)
        raise


@contextmanager
def _locked(run: RunDir, lock_timeout_s: float) -> Iterator[None]:
    """Raises RequestError if another process works on the run. The lock goes when this process ends, in whatever way.
    exit.json is absent while the lock is held, and written before it is released."""
    launch = read_config(run).launch
    try:
        lock = _acquire(run, time.monotonic() + max(lock_timeout_s, PROBE_SECONDS))
    except OSError as error:
        raise RequestError(f"{run.path} cannot be written to: {error.strerror}") from error
    with lock:
        with suppress(OSError):
            run.heartbeat.unlink(missing_ok=True)  # it may have another name, whose time is not ours to change
            run.reserve.unlink(missing_ok=True)
            run.reserve.write_bytes(b"\0" * RESERVE_BYTES)
        code, message = 0, ""
        try:
            clear_exit(run)
            record_start(run, launch.restarts)
            if SUBMISSION in os.environ:
                exit_when_hung(run, launch.hang_timeout)
            yield
        except BaseException as error:
            code, message = _exit_code(error), _message(error)
            raise
        finally:
            with suppress(OSError):
                run.reserve.unlink()  # the message may be that the disk is full
            record_exit(run, code, message)


def _acquire(run: RunDir, deadline: float) -> BinaryIO:
    """The run's lock, once it is ours. Raises OSError, and RequestError at the deadline."""
    while (lock := _lock_of(run)) is None:
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


if __name__ == "__main__":
    raise SystemExit(main())
