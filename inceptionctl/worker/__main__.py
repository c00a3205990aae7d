"""`python -m inceptionctl.worker RUN_DIR`: one rank. It reads the frozen folder and never composes.

Ends with the exit codes of the command line; everything it has to say goes to the folder.
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
from typing import TextIO

from inceptionctl.errors import InceptionctlError, Interrupted, RequestError
from inceptionctl.launch.local import exit_with_parent
from inceptionctl.launch.watchdog import exit_when_hung
from inceptionctl.runs import permissions as umask
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.exits import clear_exit, record_exit
from inceptionctl.runs.paths import EXIT_RETRY, RunDir
from inceptionctl.runs.starts import SUBMISSION, check_time_limit, record_start

RESERVE_BYTES = 1 << 14  # for the last messages of a run on a full disk
GLANCE_SECONDS = 0.5  # whoever looks whether a run is worked on holds its lock for a moment
STRANDED_SECONDS = 20.0  # for a rank to get to a step boundary: one whose peer is gone may wait for it for ever


@dataclass
class StopFlag:
    """Set by the first signal, acted on at a step boundary; a second signal exits now. Among several ranks, one that
    does not get to a boundary exits as well."""

    among_others: bool = False
    asked: bool = False
    heard: bool = False
    number: int = 0

    def __call__(self) -> bool:
        self.heard = self.asked
        return self.asked

    def ask(self, number: int = 0, frame: FrameType | None = None) -> None:
        if self.asked:
            os._exit(Interrupted.exit_code)
        self.asked, self.number = True, number
        if self.among_others:
            threading.Thread(target=self._give_up, daemon=True).start()

    def _give_up(self) -> None:
        time.sleep(STRANDED_SECONDS)
        if not self.heard:
            os._exit(Interrupted.exit_code)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m inceptionctl.worker", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN_DIR")
    umask.tighten()
    return work(RunDir(parser.parse_args(argv).run))


def work(run: RunDir, liveness_pipe: Connection | None = None, lock_timeout_s: float = 0.0) -> int:
    """Works on `run` to its end, or until a signal or the end of `leash` says stop: the exit code. `patience_s`: for
    the process that worked on it before, and is about to end, to let go of it."""
    rank = int(os.environ.get("RANK", "0"))
    stop = _stop_on_signals(StopFlag(among_others=int(os.environ.get("WORLD_SIZE", "1")) > 1))
    if liveness_pipe:
        exit_with_parent(liveness_pipe)
    try:
        with _locked(run, lock_timeout_s) if rank == 0 else _unlocked(run, rank):
            _work(run, stop)
        return 0
    except InceptionctlError as error:
        print(f"inceptionctl: {error}", file=sys.stderr)
        if rank and isinstance(error, Interrupted):
            os._exit(0)  # the first may still be saving: its end is the run's
        return error.exit_code
    except Exception as error:
        traceback.print_exc()
        return _code(error)


def _work(run: RunDir, stop: StopFlag) -> None:
    """Raises Interrupted when told to stop; InceptionctlError where a time limit leaves no time to get anywhere."""
    done, steps_per_epoch = 0, 1
    try:
        from inceptionctl.worker.trainer import Session  # after the signals: importing torch takes seconds

        if stop():
            raise Interrupted("stopped before it began")
        session = Session.open(run)
        clock, first = session.plan.clock, session.plan.clock.step
        try:
            session.work(stop)
        finally:
            done, steps_per_epoch = clock.step - first, clock.steps_per_epoch
    except Interrupted:
        if stop.number == signal.SIGUSR2 and os.environ.get("RANK", "0") == "0":
            check_time_limit(read_config(run).launch, done, steps_per_epoch)
        raise


def _code(error: BaseException) -> int:
    """What a process that `error` ends exits with."""
    if isinstance(error, InceptionctlError):
        return error.exit_code
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and isinstance(error, Exception):
        from inceptionctl.training.distributed.context import is_of_a_lost_peer

        return EXIT_RETRY if is_of_a_lost_peer(error) else 1
    return 1


def _message(error: BaseException) -> str:
    return str(error) if isinstance(error, InceptionctlError) else f"{type(error).__name__}: {error}"


def _stop_on_signals(stop: StopFlag) -> StopFlag:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
        signal.signal(number, stop.ask)
    return stop


@contextmanager
def _unlocked(run: RunDir, rank: int) -> Iterator[None]:
    """The first rank holds the lock for all."""
    try:
        yield
    except BaseException as error:
        record_exit(run, _code(error), _message(error), rank)
        raise


@contextmanager
def _locked(run: RunDir, lock_timeout_s: float) -> Iterator[None]:
    """Raises RequestError if another process works on the run; the lock goes when this process ends, in whatever way.
    exit.json is absent while the lock is held, and written before it is released."""
    launch = read_config(run).launch
    try:
        lock = run.lock.open("w")
    except OSError as error:
        raise RequestError(f"{run.path} cannot be written to: {error.strerror}") from error
    with lock:
        _take(lock, run, time.monotonic() + lock_timeout_s)
        with suppress(OSError):
            run.reserve.write_bytes(b"\0" * RESERVE_BYTES)
        code, message = 0, ""
        try:
            clear_exit(run)
            record_start(run, launch.restarts)
            if SUBMISSION in os.environ:
                exit_when_hung(run, launch.hang_timeout)
            yield
        except BaseException as error:
            code, message = _code(error), _message(error)
            raise
        finally:
            with suppress(OSError):
                run.reserve.unlink()  # the message may be that the disk is full
            record_exit(run, code, message)


def _take(lock: TextIO, run: RunDir, deadline: float) -> None:
    deadline = max(deadline, time.monotonic() + GLANCE_SECONDS)
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise RequestError(f"another process is working on {run.path}") from None
            time.sleep(0.1)


if __name__ == "__main__":
    raise SystemExit(main())
