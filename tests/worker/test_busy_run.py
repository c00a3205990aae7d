"""A job meets a run on which another process works: on a node, perhaps, that Slurm has lost."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace

import pytest

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.runs.config_file import write_config
from inceptionctl.runs.exits import exit_status
from inceptionctl.runs.paths import EXIT_RETRY, RunDir
from inceptionctl.runs.starts import MAX_STARTS_AT_ONE_STEP, SUBMISSION, read_starts
from inceptionctl.worker.__main__ import work
from inceptionctl.worker.lock import acquire


@pytest.fixture
def run(tmp_path, monkeypatch):
    """In a job that waits for a tenth of a second, or for as long as `waiting` says."""
    monkeypatch.setenv(SUBMISSION, str(tmp_path / "slurm" / "0"))
    run = RunDir(tmp_path)
    waiting(run, 0.1)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2)}
    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


def waiting(run, seconds):
    config = parse(compose("train", ["launch=slurm"]))
    write_config(run, replace(config, launch=replace(config.launch, hang_timeout=seconds)))


def test_it_ends_to_start_again_and_not_for_ever(run, capsys):
    with acquire(run):
        codes = [work(run) for _ in range(MAX_STARTS_AT_ONE_STEP)]
        assert codes == [EXIT_RETRY] * (MAX_STARTS_AT_ONE_STEP - 1) + [1]
        assert exit_status(run) is None, "the other process may still end well"
    assert "another process is working on" in capsys.readouterr().err
    assert len(read_starts(run)) == MAX_STARTS_AT_ONE_STEP


def test_it_heeds_a_signal_while_it_waits(run, capsys):
    waiting(run, 600)
    with acquire(run):
        threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
        assert work(run) == 130
    assert "stopped while another process worked" in capsys.readouterr().err
    assert read_starts(run) == []


def test_outside_a_job_it_is_refused_at_once(run, monkeypatch):
    waiting(run, 600)
    monkeypatch.delenv(SUBMISSION)
    with acquire(run):
        assert work(run) == 2
