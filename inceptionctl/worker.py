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
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.rundir import RunDir


@dataclass
class StopFlag:
    """Set by the first signal, acted on at a step boundary; a second signal exits now."""

    asked: bool = False

    def __call__(self) -> bool:
        return self.asked

    def ask(self, number: int = 0, frame: FrameType | None = None) -> None:
        if self.asked:
            os._exit(130)
        self.asked = True


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m inceptionctl.worker", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN_DIR")
    return work(RunDir(parser.parse_args(argv).run))


def work(run: RunDir, leash: Connection | None = None) -> int:
    """Works on `run` to its end, or until a signal or the end of `leash` says stop: the exit code."""
    stop = _stop_on_signals()
    if leash:
        threading.Thread(target=_stop_when_let_go, args=(leash,), daemon=True).start()
    try:
        with _locked(run):
            from inceptionctl.session import Session  # after the signals: importing torch takes seconds

            Session.open(run).work(stop)
        return 0
    except InceptionctlError as error:
        print(f"inceptionctl: {error}", file=sys.stderr)
        return error.exit_code
    except Exception:
        traceback.print_exc()
        return 1


def _stop_on_signals() -> StopFlag:
    stop = StopFlag()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
        signal.signal(number, stop.ask)
    return stop


def _stop_when_let_go(leash: Connection) -> None:
    """The parent writes nothing: what can be read is the end of it."""
    leash.poll(None)
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _locked(run: RunDir) -> Iterator[None]:
    """Raises RequestError when another process works on the run; the lock goes with this process, however it ends."""
    if not run.config.is_file():
        raise RequestError(f"{run.path} is not a run folder: it has no config.yaml")
    with run.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RequestError(f"another process is working on {run.path}") from None
        yield


if __name__ == "__main__":
    raise SystemExit(main())
