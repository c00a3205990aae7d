"""Works through the images of a list in several processes, a few at a time, in their order."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

import numpy as np

from inceptionctl.data.index import FileList
from inceptionctl.errors import DataError

CHUNK = 8  # images that a process is given at once, unless they are small
AHEAD = 4  # chunks for each process: what is held does not grow with the data set
PARENT_SECONDS = 1.0  # between looks at whether the command is still there
T = TypeVar("T")
_work: list[Any] = []  # of a worker: the function and the files, which it has from the process that forked it


def each(
    work: Callable[[FileList, int], T], files: FileList, indices_N: np.ndarray, workers: int, chunk: int = CHUNK
) -> Generator[T]:
    """`work(files, index)` for each of `indices_N`. Raises DataError when a process is killed or cannot be started."""
    pending = deque[Future[list[T]]]()
    with _pool(workers, work, files) as pool:
        try:
            for begin in range(0, len(indices_N), chunk):
                pending.append(pool.submit(_work_on, indices_N[begin : begin + chunk]))
                if len(pending) >= AHEAD * workers:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()
        except BrokenProcessPool as error:
            raise DataError(
                "a process that decodes images was killed (out of memory?); --workers 1 needs the least memory"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)  # waits: an exit of Python meanwhile would write to its closed pipe


def _pool(workers: int, *work: object) -> ProcessPoolExecutor:
    """Raises DataError where its locks, which lie in /dev/shm, find no space there."""
    try:
        return ProcessPoolExecutor(workers, get_context("fork"), _begin, work)
    except OSError as error:
        raise DataError(
            f"the processes that decode images cannot be started: {error.strerror}\n"
            "  is /dev/shm full? In a container, docker run --shm-size=1g enlarges it"
        ) from error


def _begin(*work: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal interrupts every process: the command ends the others
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    _work[:] = work


def _end_with(parent: int) -> None:
    """A process whose parent was killed would wait for work for ever: the others hold its pipe open."""
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os._exit(1)


def _work_on(indices_N: np.ndarray) -> list[Any]:
    function, files = _work
    return [function(files, int(index)) for index in indices_N]
