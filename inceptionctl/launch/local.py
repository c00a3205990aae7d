"""Worker processes on this machine.

They are forked from a server that has imported torch and the like once: an import takes a process longer than some
cells train. The server itself never touches a GPU or starts a thread, so forking it is safe.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from inceptionctl.errors import RequestError
from inceptionctl.runs.paths import RunDir

WORKER = "inceptionctl.worker.__main__"  # by name: rooms of this level know nothing of what it does
ELASTIC = "inceptionctl.launch.elastic"
WARM = ("inceptionctl.worker.trainer", "torch._dynamo")  # every optimizer imports the second


@dataclass(frozen=True)
class Worker:
    """A running rank, or what runs several. It holds one end of `leash`, and stops when the other end is gone and this
    process with it."""

    process: BaseProcess
    liveness_pipe: Connection

    @property
    def pid(self) -> int:
        assert self.process.pid is not None, "it has been started"
        return self.process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self.process.exitcode

    def stop(self) -> None:
        """Asks it to save and stop."""
        if self.exit_code is None:
            self.process.terminate()

    def kill(self) -> None:
        """And all that it has started: they are one process group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if self.exit_code is None:  # before it made its group
            self.process.kill()
        self.close()

    def close(self) -> None:
        self.process.join()
        self.liveness_pipe.close()


@dataclass(frozen=True)
class WorkerSlot:
    """What a run is worked on with: its `processes`, the GPUs they share (none: the CPU), and the slow `modules` that
    they import."""

    processes: int
    gpus: tuple[str, ...]
    modules: tuple[str, ...]


def preload(modules: Sequence[str]) -> None:
    """Names what the workers will need besides torch; the server imports it when the first of them starts."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning threads starve a neighbour on a busy machine
    multiprocessing.get_context("forkserver").set_forkserver_preload([*WARM, *modules])


def start(run: RunDir, crew: WorkerSlot, lock_timeout_s: float) -> Worker:
    """Starts the ranks of `run`; they read all else from the folder. `patience_s`: of `worker.work`. Raises
    RequestError for a folder that cannot be written to: the worker would have nowhere to say so."""
    try:
        run.log().parent.mkdir(parents=True, exist_ok=True)
        run.log().open("ab").close()
    except OSError as error:
        raise RequestError(f"{run.path} cannot be written to: {error.strerror}") from error
    context = multiprocessing.get_context("forkserver")
    theirs, ours = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(run, crew, theirs, lock_timeout_s), daemon=False)
    process.start()
    theirs.close()
    return Worker(process, ours)


def _work(run: RunDir, crew: WorkerSlot, liveness_pipe: Connection, lock_timeout_s: float) -> None:
    """The new process: first a session of its own, so that Ctrl-C in the terminal reaches the parent alone, then its
    log and its GPUs, then what `python -m inceptionctl.worker` does, or what brings several of these together."""
    os.setsid()
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(crew.gpus)
    _say_to(run.log() if crew.processes == 1 else run.launcher_log)
    if crew.processes == 1:
        code = import_module(WORKER).work(run, liveness_pipe, lock_timeout_s)
    else:
        code = import_module(ELASTIC).launch(run, crew.processes, crew.modules, liveness_pipe, lock_timeout_s)
    sys.stdout.flush()
    sys.exit(code)


def work_as_rank(run: RunDir, liveness_pipe: Connection, lock_timeout_s: float) -> None:
    """One of several ranks. It returns when all is done: anything else is an exit code."""
    _say_to(run.log(int(os.environ["RANK"])))
    code = import_module(WORKER).work(run, liveness_pipe, lock_timeout_s)
    sys.stdout.flush()
    if code:
        sys.exit(code)


def exit_with_parent(liveness_pipe: Connection) -> None:
    """A signal to this process when the other end of `leash`, on which nothing is ever written, is gone."""

    def watch() -> None:
        liveness_pipe.poll(None)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _say_to(path: Path) -> None:
    with path.open("ab", buffering=0) as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
