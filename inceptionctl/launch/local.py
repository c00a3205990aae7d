"""Worker processes on this machine.

They are forked from a server that has imported torch and the like once: an import takes a process longer than some
cells train. The server itself never touches a GPU or starts a thread, so forking it is safe.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from inceptionctl.rundir import RunDir

WORKER = "inceptionctl.worker"  # by name: rooms of this level know nothing of what it does
WARM = ("inceptionctl.session", "torch._dynamo")  # every optimizer imports the second


@dataclass(frozen=True)
class Worker:
    """A running rank. It holds one end of `leash`, and stops when the other end is gone and this process with it."""

    process: BaseProcess
    leash: Connection

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self.process.exitcode

    def stop(self) -> None:
        """Asks it to save and stop."""
        if self.exit_code is None:
            self.process.terminate()

    def kill(self) -> None:
        if self.exit_code is None:
            self.process.kill()
        self.close()

    def close(self) -> None:
        self.process.join()
        self.leash.close()


def warm_up(modules: Sequence[str]) -> None:
    """Names what the workers will need besides torch; the server imports it when the first of them starts."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning threads starve a neighbour on a busy machine
    multiprocessing.get_context("forkserver").set_forkserver_preload([*WARM, *modules])


def start(run: RunDir, gpu: str | None) -> Worker:
    """Starts the rank of `run` on `gpu` (None: the CPU); it reads all else from the folder."""
    run.log().parent.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("forkserver")
    theirs, ours = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(run, gpu, theirs), daemon=False)
    process.start()
    theirs.close()
    return Worker(process, ours)


def _work(run: RunDir, gpu: str | None, leash: Connection) -> None:
    """The new process: first a session of its own, so that Ctrl-C in the terminal reaches the parent alone, then its
    log and its GPU, then what `python -m inceptionctl.worker` does."""
    os.setsid()
    os.environ["CUDA_VISIBLE_DEVICES"] = gpu or ""
    with run.log().open("ab", buffering=0) as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    code = import_module(WORKER).work(run, leash)
    sys.stdout.flush()
    sys.exit(code)
