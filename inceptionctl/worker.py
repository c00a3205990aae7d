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

from inceptionctl import umask
from inceptionctl.errors import InceptionctlError, Interrupted, RequestError
from inceptionctl.launch.local import LOST, stop_when_let_go
from inceptionctl.rundir import RunDir

ROOM_BYTES = 1 << 14  # for the last words of a run
STRANDED_SECONDS = 20.0  # for a rank to get to a step boundary: one whose peer is gone may wait for it for ever


@dataclass
class StopFlag:
    """Set by the first signal, acted on at a step boundary; a second signal exits now. Among several ranks, one that
    does not get to a boundary exits as well."""

    among_others: bool = False
    asked: bool = False
    heard: bool = False

    def __call__(self) -> bool:
        self.heard = self.asked
        return self.asked

    def ask(self, number: int = 0, frame: FrameType | None = None) -> None:
        if self.asked:
            os._exit(Interrupted.exit_code)
        self.asked = True
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


def work(run: RunDir, leash: Connection | None = None, patience_s: float = 0.0) -> int:
    """Works on `run` to its end, or until a signal or the end of `leash` says stop: the exit code. `patience_s`: for
    the process that worked on it before, and is about to end, to let go of it."""
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    stop = _stop_on_signals(StopFlag(among_others=world > 1))
    if leash:
        stop_when_let_go(leash)
    try:
        with _locked(run, patience_s) if rank == 0 else _unlocked():
            from inceptionctl.rank.session import Session  # after the signals: importing torch takes seconds

            if stop():
                raise Interrupted("stopped before it began")
            Session.open(run).work(stop)
        return 0
    except Interrupted as error:
        print(f"inceptionctl: {error}", file=sys.stderr)
        if rank:
            os._exit(0)  # the first may still be saving: its end is the run's
        return error.exit_code
    except InceptionctlError as error:
        print(f"inceptionctl: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        traceback.print_exc()
        return LOST if world > 1 and _is_of_a_lost_peer(error) else 1


def _is_of_a_lost_peer(error: Exception) -> bool:
    from inceptionctl.dist.ranks import is_of_a_lost_peer

    return is_of_a_lost_peer(error)


def _stop_on_signals(stop: StopFlag) -> StopFlag:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
        signal.signal(number, stop.ask)
    return stop


@contextmanager
def _unlocked() -> Iterator[None]:
    """The first rank holds the lock for all."""
    yield


@contextmanager
def _locked(run: RunDir, patience_s: float) -> Iterator[None]:
    """Raises RequestError when another process works on the run; the lock goes with this process, however it ends."""
    if not run.config.is_file():
        raise RequestError(f"{run.path} is not a run folder: it has no config.yaml")
    try:
        lock = run.lock.open("w")
    except OSError as error:
        raise RequestError(f"{run.path} cannot be written to: {error.strerror}") from error
    with lock:
        _take(lock, run, time.monotonic() + patience_s)
        with suppress(OSError):
            run.room.write_bytes(b"\0" * ROOM_BYTES)
        try:
            yield
        finally:
            with suppress(OSError):  # before the last words: they may be that the disk is full
                run.room.unlink()


def _take(lock: TextIO, run: RunDir, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise RequestError(f"another process is working on {run.path}") from None
            time.sleep(0.2)


if __name__ == "__main__":
    raise SystemExit(main())
