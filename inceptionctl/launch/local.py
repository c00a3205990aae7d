"""One worker process on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import IO

from inceptionctl.rundir import RunDir


@dataclass(frozen=True)
class Worker:
    """A running rank. Its standard input is a leash: it stops when this process is gone."""

    process: subprocess.Popen[bytes]
    log: IO[bytes]

    def stop(self) -> None:
        """Asks it to save and stop."""
        if self.process.poll() is None:
            self.process.terminate()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.close()

    def close(self) -> None:
        self.process.wait()
        self.log.close()
        if self.process.stdin:
            self.process.stdin.close()


def start(run: RunDir, threads: int, gpu: str | None) -> Worker:
    """Starts the rank of `run` with `threads` threads on `gpu` (None: the CPU); it reads all else from the folder."""
    run.log().parent.mkdir(parents=True, exist_ok=True)
    log = run.log().open("ab")
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "passive",  # threads that spin while they wait starve a neighbour on a busy machine
        "CUDA_VISIBLE_DEVICES": gpu or "",
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "inceptionctl.worker", str(run.path), "--leash"],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,  # Ctrl-C in the terminal reaches this process alone, which then asks its workers
    )
    return Worker(process, log)
