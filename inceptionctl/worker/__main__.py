"""`python -m inceptionctl.worker RUN_DIR`: one rank, which reads everything from the run folder and writes there. The
folder may be that of an evaluation.

Exits with the codes of the command line.
"""

from __future__ import annotations

import argparse
import os
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import BinaryIO

from inceptionctl.config.launch import Local, Slurm
from inceptionctl.errors import InceptionctlError, Interrupted, RequestError, warn
from inceptionctl.launch.local import exit_with_parent
from inceptionctl.launch.watchdog import exit_when_hung
from inceptionctl.processes import leave_out_current_folder, never_from_current_folder, short_socket_paths
from inceptionctl.runs import permissions
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.exits import clear_exit, record_exit
from inceptionctl.runs.paths import EXIT_RETRY, RunDir
from inceptionctl.runs.starts import SUBMISSION, check_time_limit, record_start
from inceptionctl.worker.lock import acquire
from inceptionctl.worker.stop import StopFlag

RESERVE_BYTES = 1 << 14  # for the last messages of a run on a full disk


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m inceptionctl.worker", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN_DIR")
    never_from_current_folder()
    short_socket_paths()
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
        with _recorded(run, _rank()) if _rank() else _locked(run, lock_timeout_s, stop):
            _work_on(run, stop)
        return 0
    except InceptionctlError as error:
        warn(str(error))
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


def _work_on(run: RunDir, stop: StopFlag) -> None:
    """Raises Interrupted if told to stop; InceptionctlError if a job's time limit is too short for a single step, or a
    single batch of images."""
    progress = Progress()
    try:
        job = _evaluation if run.is_evaluation else _training
        job(run, stop, progress)
    except Interrupted:
        if stop.signal_number == signal.SIGUSR2 and _rank() == 0:
            check_time_limit(run, read_config(run).launch, progress.steps, progress.steps_per_epoch)
        raise


@dataclass
class Progress:
    """Steps, or batches of images, that this process has done."""

    steps: int = 0
    steps_per_epoch: int = 1


def _training(run: RunDir, stop: StopFlag, progress: Progress) -> None:
    from inceptionctl.worker.assemble import assemble  # takes seconds: after the signals are handled

    if stop():
        raise Interrupted("stopped before training began")
    trainer = assemble(run)
    first_step = trainer.clock.step
    try:
        trainer.fit(stop)
    finally:
        progress.steps, progress.steps_per_epoch = trainer.clock.step - first_step, trainer.clock.steps_per_epoch


def _evaluation(run: RunDir, stop: StopFlag, progress: Progress) -> None:
    from inceptionctl.worker.evaluation import assemble

    if stop():
        raise Interrupted("stopped before the evaluation began")
    evaluation = assemble(run)
    try:
        evaluation.work(stop)
    finally:
        progress.steps = evaluation.batches_done


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


class BusyError(InceptionctlError):
    """Another process still works on the run."""

    exit_code = EXIT_RETRY


def _lock_for_job(run: RunDir, launch: Local | Slurm, stop: StopFlag) -> BinaryIO:
    """The run's lock. A node that was lost to Slurm's controller may still work on the run, which this job waits for as
    long as a run may hang. Raises BusyError then, so that the job starts again, and InceptionctlError if it has done so
    too often."""
    with suppress(RequestError):
        return acquire(run)
    message = f"another process is working on {run.path}, perhaps on a node that Slurm has lost"
    warn(f"{message}: waiting for up to {launch.hang_timeout:g} s (launch.hang_timeout) until it ends")
    with suppress(RequestError):
        return acquire(run, launch.hang_timeout, stop)
    record_start(run, launch.restarts)
    raise BusyError(message)


@contextmanager
def _locked(run: RunDir, lock_timeout_s: float, stop: StopFlag) -> Iterator[None]:
    """Raises RequestError if another process works on the run, in a job BusyError. The lock goes when this process
    ends, in whatever way. exit.json is absent while the lock is held, and written before it is released."""
    launch = read_config(run).launch
    try:
        lock = _lock_for_job(run, launch, stop) if SUBMISSION in os.environ else acquire(run, lock_timeout_s)
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


if __name__ == "__main__":
    leave_out_current_folder()
    raise SystemExit(main())
