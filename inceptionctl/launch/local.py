"""Worker processes on this machine.

They are forked from a server that has imported torch once: importing it takes longer than some cells train. The server
itself never touches a GPU or starts a thread, so forking it is safe.
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
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.processes import short_socket_paths
from inceptionctl.runs.exits import record_exit
from inceptionctl.runs.io import open_to_append
from inceptionctl.runs.paths import RunDir

WORKER = "inceptionctl.worker.__main__"  # imported by name: it stands above this room
FORK_SERVER_LOST = 255  # multiprocessing's exit code for a worker whose fork server is gone: it still runs
ELASTIC = "inceptionctl.launch.elastic"
PRELOADED = ("inceptionctl.worker.assemble", "torch._dynamo")  # every optimizer imports the second


@dataclass(frozen=True)
class Worker:
    """The process of a run, or the one that starts its several ranks. It holds one end of `liveness_pipe` and exits
    when the other end closes, which this process holds."""

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
        """Asks it to save a checkpoint and exit."""
        if self.exit_code is None:
            self.process.terminate()

    def kill(self) -> None:
        """Kills it and everything that it has started: they are one process group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if self.exit_code is None:  # it has not made its process group yet
            self.process.kill()
        self.close()

    def close(self) -> None:
        self.process.join()
        self.liveness_pipe.close()


@dataclass(frozen=True)
class WorkerSlot:
    """Room for one run at a time: `nproc` ranks, the GPUs that they share (none: the CPU), and the slow `modules` that
    they import."""

    nproc: int
    gpus: tuple[str, ...]
    modules: tuple[str, ...]


def preload(modules: Sequence[str]) -> None:
    """Makes the fork server import torch and `modules` once, when the first worker starts."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning threads take cores from other runs
    multiprocessing.get_context("forkserver").set_forkserver_preload([*PRELOADED, *modules])


def start(run: RunDir, slot: WorkerSlot, lock_timeout_s: float) -> Worker:
    """Starts the ranks of `run`, which read everything else from its folder. `lock_timeout_s`: how long they wait for
    the run's lock. Raises RequestError for a folder that cannot be written to: the worker could not report that."""
    try:
        run.log().parent.mkdir(exist_ok=True)
        open_to_append(run.log()).close()
    except OSError as error:
        raise RequestError(f"{run.path} cannot be written to: {error.strerror}") from error
    _start_fork_server()
    context = multiprocessing.get_context("forkserver")
    theirs, ours = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(run, slot, theirs, lock_timeout_s), daemon=False)
    try:
        process.start()
    except (EOFError, ConnectionError) as error:
        raise InceptionctlError(
            "the fork server, which starts the workers, was killed as it started (out of memory?): try again"
        ) from error
    theirs.close()
    return Worker(process, ours)


def _start_fork_server() -> None:
    """Unless it runs. What it imports takes seconds, in which Ctrl-C would end it with a traceback: it ignores the
    signal, as it does later anyway, and its parent stops the workers."""
    short_socket_paths()
    if threading.current_thread() is not threading.main_thread():
        forkserver.ensure_running()
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)


def _work(run: RunDir, slot: WorkerSlot, liveness_pipe: Connection, lock_timeout_s: float) -> None:
    """What the new process does: it leaves the terminal's session, so that Ctrl-C reaches only the parent, redirects
    its output to a log, chooses its GPUs, and runs the worker or the launcher of several."""
    os.setsid()
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(slot.gpus)
    _redirect_output(run.log() if slot.nproc == 1 else run.launcher_log)
    try:
        if slot.nproc == 1:
            code = import_module(WORKER).work(run, liveness_pipe, lock_timeout_s)
        else:
            code = import_module(ELASTIC).launch(run, slot.nproc, slot.modules, liveness_pipe, lock_timeout_s)
    except Exception as error:  # the launcher's own, before or beside the ranks'
        name = "" if isinstance(error, InceptionctlError) else f"{type(error).__name__}: "
        record_exit(run, 1, f"{name}{error}", rank=None)
        raise
    sys.stdout.flush()
    sys.exit(code)


def work_as_rank(run: RunDir, liveness_pipe: Connection, lock_timeout_s: float) -> None:
    """One of several ranks. Returns if it has finished; otherwise exits with a code."""
    _redirect_output(run.log(int(os.environ["RANK"])))
    code = import_module(WORKER).work(run, liveness_pipe, lock_timeout_s)
    sys.stdout.flush()
    if code:
        sys.exit(code)


def exit_with_parent(liveness_pipe: Connection) -> None:
    """Sends SIGTERM to this process when the other end of `liveness_pipe` closes; nothing is ever written to it."""

    def watch() -> None:
        liveness_pipe.poll(None)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _redirect_output(path: Path) -> None:
    with open_to_append(path) as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
