"""The queue, with workers that end as a test says instead of processes."""

from __future__ import annotations

from collections import deque

import pytest

from inceptionctl.launch.local import WorkerSlot
from inceptionctl.runs.paths import EXIT_RETRY, RunDir
from inceptionctl.scheduling import queue
from inceptionctl.scheduling.queue import QueuedRun, run_queue

SLOT = WorkerSlot(1, (), ())


class FakeWorker:
    """Ends at once; None: when it is killed."""

    def __init__(self, exit_code):
        self.exit_code = exit_code

    def stop(self):
        self.exit_code = 130

    def kill(self):
        self.exit_code = -9

    def close(self):
        pass


class Events(list):
    def started(self, queued, run):
        self.append(f"{queued.label} started")

    def noticed(self, queued, run, message):
        self.append(f"{queued.label}: {message}")

    def restarted(self, queued, run, reason, restart):
        self.append(f"{queued.label} {reason}, restart {restart}")

    def stopping(self):
        self.append("stopping")

    def finished(self, queued, run, end):
        self.append(f"{queued.label} {end or 'done'}")


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs a queue whose workers end with these codes, by label."""
    monkeypatch.setattr(queue, "POLL_SECONDS", 0.0)

    def run(ends, slots=1, restarts=0, hang_timeout=60.0):
        codes = {label: deque(in_order) for label, in_order in ends.items()}
        monkeypatch.setattr(queue, "start", lambda run, slot, _: FakeWorker(codes[run.path.name].popleft()))
        for label in codes:
            (tmp_path / label).mkdir()
            (tmp_path / label / "result.json").touch()
        queued = [
            QueuedRun(label, 1, lambda label=label: RunDir(tmp_path / label), restarts, hang_timeout) for label in codes
        ]
        events = Events()
        return run_queue(queued, [SLOT] * slots, events), events

    return run


def test_runs_follow_each_other_in_a_slot(run):
    codes, events = run({"a": [0], "b": [1], "c": [0]})
    assert codes == {"a": 0, "b": 1, "c": 0}
    assert events == ["a started", "a done", "b started", "b exit 1", "c started", "c done"]


def test_slots_work_side_by_side(run):
    assert run({"a": [0], "b": [0]}, slots=2)[1][:2] == ["a started", "b started"]


def test_a_lost_worker_is_restarted_as_often_as_allowed(run):
    codes, events = run({"a": [-9, EXIT_RETRY, EXIT_RETRY]}, restarts=2)
    assert codes == {"a": EXIT_RETRY}
    assert events == [
        "a started", "a was killed by signal 9, restart 1", "a lost a rank, restart 2", "a lost a rank"
    ]  # fmt: skip


def test_a_run_that_fails_by_itself_is_not_restarted(run):
    assert run({"a": [1]}, restarts=2)[1] == ["a started", "a exit 1"]


def test_a_hung_worker_is_killed_and_restarted(run):
    codes, events = run({"a": [None, 0]}, restarts=1, hang_timeout=0.0)
    assert codes == {"a": 0}
    assert events[1] == "a had no heartbeat for 0 s (launch.hang_timeout), restart 1"


def test_an_error_while_one_run_starts_stops_the_others(run, monkeypatch):
    """`b` has no worker."""
    events = Events()
    monkeypatch.setattr(Events, "stopping", lambda self: events.append("stopping"))
    with pytest.raises(IndexError):
        run({"a": [None], "b": []}, slots=2)
    assert events == ["stopping"]
