"""How often a run may start, time limits that are too short, and runs that hang."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.errors import InceptionctlError
from inceptionctl.launch.watchdog import Watchdog
from inceptionctl.runs.paths import EXIT_RETRY, RunDir
from inceptionctl.runs.starts import SUBMISSION, check_time_limit, read_starts, record_start


@pytest.fixture
def run(tmp_path):
    return RunDir(tmp_path)


@pytest.fixture
def start(run, monkeypatch):
    """Records a start of `run`, at `step`, in a job of `submission`; None: outside Slurm."""

    def note(step, restarts=50, submission="first"):
        if submission:
            monkeypatch.setenv(SUBMISSION, submission)
        else:
            monkeypatch.delenv(SUBMISSION, raising=False)
        (run.checkpoints / f"step-{step:08d}").mkdir(parents=True, exist_ok=True)
        record_start(run, restarts)

    return note


def test_a_job_starts_again_as_often_as_it_may(start):
    for step in range(3):
        start(step, restarts=2)
    with pytest.raises(InceptionctlError, match=r"started 3 times \(launch.restarts = 2\)"):
        start(3, restarts=2)


def test_a_new_submission_counts_its_own_starts(start):
    start(0, restarts=0)
    start(1, restarts=0, submission="second")
    with pytest.raises(InceptionctlError, match=r"launch.restarts = 0"):
        start(2, restarts=0, submission="second")


def test_the_fifth_start_without_progress_fails(start):
    for _ in range(4):
        start(7)
    with pytest.raises(InceptionctlError, match="5 times at step 7 without progress"):
        start(7)


def test_progress_resets_the_count(start, run):
    for step in [7] * 4 + [8] * 4 + [9]:
        start(step)
    assert [one.step for one in read_starts(run)] == [7] * 4 + [8] * 4 + [9]


def test_starts_outside_slurm_are_recorded_and_never_refused(start, run):
    for _ in range(7):
        start(0, restarts=0, submission=None)
    assert [(one.job, one.submission) for one in read_starts(run)] == [(None, None)] * 7


@pytest.mark.parametrize(
    ("array", "job"), [({}, "15"), ({"SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "3"}, "12_3")]
)
def test_a_start_records_its_job_and_its_node(array, job, start, run, monkeypatch):
    for name, value in {"SLURM_JOB_ID": "15", "SLURMD_NODENAME": "node7", **array}.items():
        monkeypatch.setenv(name, value)
    start(0)
    assert [(one.job, one.node, one.submission) for one in read_starts(run)] == [(job, "node7", "first")]


def test_a_start_that_cannot_be_recorded_does_not_stop_the_run(start, run):
    run.starts.mkdir()
    start(0)


@pytest.fixture(scope="module")
def launches():
    return {name: parse(compose("train", [f"launch={name}"])).launch for name in ("slurm", "local")}


def test_a_time_limit_shorter_than_a_step_is_an_error(run, launches, monkeypatch):
    monkeypatch.setenv(SUBMISSION, "first")
    with pytest.raises(InceptionctlError, match=r"time limit .* is too short: it ended before the first step"):
        check_time_limit(run, launches["slurm"], done=0, steps_per_epoch=44)


def test_a_slow_start_does_not_end_a_run_that_had_got_on(run, launches, monkeypatch, capsys):
    monkeypatch.setenv(SUBMISSION, "first")
    (run.checkpoints / "step-00000016").mkdir(parents=True)
    check_time_limit(run, launches["slurm"], done=0, steps_per_epoch=44)
    assert "0 of its 44 steps were done" in capsys.readouterr().err


@pytest.mark.parametrize(("done", "said"), [(43, "too short for one epoch: 43 of its 44 steps"), (44, "")])
def test_a_time_limit_shorter_than_an_epoch_gives_a_warning(done, said, run, launches, monkeypatch, capsys):
    monkeypatch.setenv(SUBMISSION, "first")
    check_time_limit(run, launches["slurm"], done, steps_per_epoch=44)
    heard = capsys.readouterr().err
    assert said in heard
    assert bool(heard) == bool(said)


@pytest.mark.parametrize(("launch", "submission"), [("local", "first"), ("slurm", None)])
def test_outside_slurm_the_signal_gives_no_message(launch, submission, run, launches, monkeypatch, capsys):
    monkeypatch.delenv(SUBMISSION, raising=False)
    if submission:
        monkeypatch.setenv(SUBMISSION, submission)
    check_time_limit(run, launches[launch], done=0, steps_per_epoch=44)
    assert capsys.readouterr().err == ""


def test_a_run_hangs_when_its_heartbeat_stops_for_too_long(run):
    dog = Watchdog(run, hang_timeout=30)
    run.heartbeat.touch()
    assert not dog.hung()
    dog.changed_at -= 31  # half a minute later
    assert dog.hung()
    assert dog.reason == "had no heartbeat for 30 s (launch.hang_timeout)"


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_heartbeat_counts_whatever_the_clock_of_its_node_says(hours, run):
    run.heartbeat.touch()
    dog = Watchdog(run, hang_timeout=30)
    assert not dog.hung()
    dog.changed_at -= 31
    other = time.time() + 3600 * hours
    os.utime(run.heartbeat, (other, other))
    assert not dog.hung()


def test_a_run_without_any_heartbeat_hangs(run):
    dog = Watchdog(run, hang_timeout=30)
    assert not dog.hung()
    dog.changed_at -= 31
    assert dog.hung()


WATCHED = """
import sys, time
from pathlib import Path
from inceptionctl.launch.watchdog import exit_when_hung
from inceptionctl.runs.paths import RunDir
exit_when_hung(RunDir(Path(sys.argv[1])), float(sys.argv[2]))
time.sleep(60)
"""


def watched(run, hang_timeout):
    command = [sys.executable, "-c", WATCHED, str(run.path), str(hang_timeout)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_worker_outside_the_queue_exits_when_the_folder_is_gone(run):
    done = watched(run, 600.0)
    assert (done.returncode, "is gone from this node" in done.stderr) == (1, True)


def test_a_worker_outside_the_queue_exits_with_retry_when_it_hangs(run):
    done = watched(run, 0.0)
    assert (done.returncode, "had no heartbeat" in done.stderr) == (EXIT_RETRY, True)
