"""Whole runs: started, watched, disturbed, compared."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import asdict
from pathlib import Path

from safetensors.numpy import load_file

from inceptionctl import cli
from inceptionctl.runs.evaluations import Predictions, read_evaluation, read_predictions
from inceptionctl.runs.io import read_record
from inceptionctl.runs.metrics import read_metrics
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.result import Result

TIMES = ("time_s", "images_per_s")


def only(path, pattern):
    (found,) = path.glob(pattern)
    return found


def rows(run):
    read = [asdict(row) for row in read_metrics(RunDir(run).metrics)]
    return [{key: value for key, value in row.items() if key not in TIMES} for row in read]


def result(run) -> Result:
    return read_record(RunDir(run).result, Result)


def predictions(run, weights="ema") -> Predictions:
    """Of the run's own evaluation."""
    path = run / result(run).evaluation(weights).file
    return read_predictions(path, read_evaluation(path))


def unfinish(run) -> None:
    """Makes it as it was before it was evaluated."""
    RunDir(run).result.unlink()
    shutil.rmtree(run / "evaluations")


def last_checkpoint(run):
    return max(run.glob("checkpoints/step-*"))


def assert_same_end(one, other):
    """Bit for bit: weights, averages, optimizer, predictions and metrics but for times."""
    assert last_checkpoint(one).name == last_checkpoint(other).name
    for name in ("model", "ema", "optimizer"):
        a, b = (load_file(last_checkpoint(run) / f"{name}.safetensors") for run in (one, other))
        assert a.keys() == b.keys()
        assert [key for key in a if a[key].tobytes() != b[key].tobytes()] == []
    assert_same_predictions(one, other)
    assert rows(one) == rows(other)


def assert_same_predictions(one, other):
    for weights in ("ema", "raw"):
        a, b = predictions(one, weights), predictions(other, weights)
        assert [name for name in asdict(a) if _bits(getattr(a, name)) != _bits(getattr(b, name))] == []


def _bits(array):
    return None if array is None else array.tobytes()


def start(cwd: Path, *words: str) -> subprocess.Popen[str]:
    """The command line in a process of its own, to send signals to."""
    return subprocess.Popen(
        [sys.executable, "-m", "inceptionctl", *words],
        cwd=cwd,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_heed_interrupts,
    )


def _heed_interrupts() -> None:
    """What a shell starts in the background ignores SIGINT, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def launched(*words: object, meanwhile: Callable[[], object] = lambda: None) -> tuple[int, str]:
    """The command line in this process, whose fork server stays warm: exit code and what it printed. The run is in
    processes of its own all the same; `meanwhile` happens beside it, in a thread."""
    trouble: list[BaseException] = []

    def act() -> None:
        try:
            meanwhile()
        except BaseException as error:
            trouble.append(error)

    beside, said, argv = threading.Thread(target=act, daemon=True), io.StringIO(), sys.argv
    beside.start()
    with redirect_stdout(said), redirect_stderr(said):
        try:
            code = cli.main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            sys.argv = argv  # Hydra's command sets it
    beside.join(60)
    if trouble:
        raise AssertionError(said.getvalue()) from trouble[0]
    return code, said.getvalue()


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
    return found


def at_step(step: int, outputs: Path, seconds: float = 150) -> Path:
    """Waits until a run below `outputs` has logged `step`: its folder."""

    def reached() -> Path | None:
        found = [path.parent for path in outputs.glob("*/*/metrics.jsonl") if has_logged(path.parent, step)]
        return found[0] if found else None

    return wait_for(reached, seconds)


def has_logged(run: Path, step: int) -> bool:
    return any(row.step == step for row in read_metrics(RunDir(run).metrics))


def _processes():
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            yield entry


def _opened(process: Path) -> list[str]:
    found = []
    with suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):
                found.append(os.readlink(descriptor))
    return found


def processes_in(folder: Path) -> list[int]:
    """Those that name `folder` on their command line or have a file in it open."""
    found = []
    for process in _processes():
        with suppress(OSError):
            named = str(folder) in (process / "cmdline").read_bytes().decode(errors="replace")
            if named or any(path.startswith(f"{folder}/") for path in _opened(process)):
                found.append(int(process.name))
    return found


def parent(pid: int) -> int:
    """0 for a process that is gone."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def rank_and_readers(run: Path, rank: int = 0) -> tuple[int, list[int]]:
    """The process of a rank and those that read images for it, oldest first: they all write to its log."""
    log = str(run / "log" / f"rank-{rank}.log")
    found = [int(process.name) for process in _processes() if log in _opened(process)]
    (own,) = [pid for pid in found if parent(pid) not in found]
    return own, sorted(pid for pid in found if parent(pid) == own)


def pid_of(run: Path, rank: int = 0) -> int:
    return rank_and_readers(run, rank)[0]


def gone(*pids: int) -> bool:
    return not any(parent(pid) for pid in pids)
