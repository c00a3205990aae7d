"""Seconds from the SIGKILL of a rank to the next step that is done and logged, beside those from a command to its first
step, for one rank and for two (gloo): real runs through the command line, in turn.

    python benchmarks/recovery.py [--rounds 5]
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median

from inceptionctl.runs.metrics import read_metrics
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import TrainRow
from inceptionctl.runs.starts import saved_step

TINY = [
    "arch.width=0.1", "data.renderings=1", "train.monitor=20", "train.epochs=200", "train.log_every=1",
    "launch.device=cpu", "launch.threads=1",
]  # fmt: skip
BEYOND = 20  # steps after a checkpoint: the run is killed there, and the first row of its successor has a lower step
PATIENCE_S = 300.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    found: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    for _ in range(rounds):
        for processes, times in found.items():
            times.append(start_and_recovery(processes))
    for processes, times in found.items():
        ratios = sorted(recovery / start for start, recovery in times)
        print(
            f"{processes} rank(s): {spread([recovery for _, recovery in times])} from the kill to the next step, "
            f"{spread([start for start, _ in times])} from the command to the first; "
            f"ratio {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f} in {rounds} rounds)"
        )


def spread(times: list[float]) -> str:
    return f"{median(times):.2f} s ({min(times):.2f} to {max(times):.2f})"


def start_and_recovery(processes: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        run = RunDir(Path(folder) / "run")
        words = ["train", f"run_dir={run.path}", f"launch.nproc={processes}", *TINY]
        begun = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "inceptionctl", *words], cwd=folder, stdout=subprocess.DEVNULL
        ) as command:
            try:
                start = wait_until(lambda: last_step(run) > 0) - begun
                wait_until(lambda: last_step(run) >= saved_step(run) + BEYOND > BEYOND)
                return start, recovery(run, processes - 1)
            finally:
                command.send_signal(signal.SIGINT)


def recovery(run: RunDir, rank: int) -> float:
    """What comes after the checkpoint is cut off and written anew: the step goes back, then on."""
    pid, killed = rank_process(run, rank), time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{pid}/fd").exists() or not opened(pid))
    before, saved = last_step(run), saved_step(run)
    return wait_until(lambda: saved < last_step(run) < before) - killed


def last_step(run: RunDir) -> int:
    """Of the last step that is logged; 0 before the first."""
    return max((row.step for row in read_metrics(run.metrics) if isinstance(row, TrainRow)), default=0)


def rank_process(run: RunDir, rank: int) -> int:
    """The process whose output goes to the rank's log (the digits need no others to read them)."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    (found,) = (pid for pid in pids if str(run.log(rank)) in opened(pid))
    return found


def opened(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(os.readlink(descriptor))
    return found


def wait_until(condition: Callable[[], bool]) -> float:
    """The time at which `condition` held."""
    deadline = time.perf_counter() + PATIENCE_S
    while not condition():
        if time.perf_counter() > deadline:
            raise TimeoutError("waited too long")
        time.sleep(0.005)
    return time.perf_counter()


if __name__ == "__main__":
    main()
