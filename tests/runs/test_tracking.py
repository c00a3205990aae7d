"""Trackers are fed from metrics.jsonl: what fails, hangs or is killed loses no row, and no row comes twice."""

from __future__ import annotations

import threading

import pytest
from support.trackers import RECORDS, ROWS, MemoryTracker

from inceptionctl.runs.tracked_report import log_report
from inceptionctl.runs.tracking import Feed, keep_at_most, read_state
from inceptionctl.runs.tracking_thread import FeedThread
from inceptionctl.trackers.base import TrackedRun
from inceptionctl.trackers.settings import Trackers


class Settings:
    """Of a tracker in memory."""

    def __init__(self, tracker, target="here"):
        self.tracker, self.target = tracker, target

    def open(self, run):
        return self.tracker.open(run)


@pytest.fixture
def feed(tmp_path):
    said: list[str] = []

    def make(tracker, target="here"):
        made = Feed("memory", Settings(tracker, target), TrackedRun(folder=tmp_path, id="a-0", label="a", group="g"),
                    said.append, "`inceptionctl sync` sends the rest")  # fmt: skip
        made.said = said
        return made

    return make


@pytest.mark.parametrize("method", ["open", "start", "write", "flush", "close"])
def test_a_tracker_that_fails_is_reported_once_and_gets_the_rest_later(method, feed):
    store: list = []
    failing = feed(MemoryTracker(store, fails=method, at=3 if method in ("write", "flush") else 0))
    failing.open(RECORDS[:2])
    for row in RECORDS[2:]:
        failing.add(row)
        failing.flush()
    failing.close()
    assert failing.failed
    assert len(failing.said) == 1
    assert failing.said[0].startswith("tracker memory failed and is off: ConnectionError: no route; `inceptionctl sync")
    later = feed(MemoryTracker(store))
    later.open(RECORDS)
    later.close()
    assert store == ROWS
    assert not later.failed


def test_a_tracker_that_was_killed_gets_what_was_not_confirmed(feed, tmp_path):
    store: list = []
    killed = feed(MemoryTracker(store))
    killed.open(RECORDS[:2])
    killed.add(RECORDS[2])  # written, but the process ends before it is flushed
    assert read_state(tmp_path, "memory", killed.settings).rows == 2
    resumed = feed(MemoryTracker(store))
    resumed.open(RECORDS)
    assert store == ROWS


def test_rows_that_a_run_drops_are_sent_again(feed, tmp_path):
    """The tracker is dead while the run goes back and writes other rows: the state must not count these as sent."""
    store: list = []
    first = feed(MemoryTracker(store))
    first.open(RECORDS)
    keep_at_most(tmp_path, 2)
    dead = feed(MemoryTracker(store, fails="open"))
    dead.open(RECORDS[:2])
    other = RECORDS[:2] + RECORDS[3:]
    later = feed(MemoryTracker(store))
    later.open(other)
    assert store == [*ROWS[:2], *ROWS[3:]]


def test_going_back_while_a_thread_sends(feed, tmp_path):
    """Rows that wait in the thread when the run goes back are dropped by it, and never counted as sent."""
    store: list = []
    thread = FeedThread(made := feed(MemoryTracker(store)))
    thread.open([])
    for row in RECORDS:
        thread.add(row)
    thread.announce_rewind()
    keep_at_most(tmp_path, 1)
    assert read_state(tmp_path, "memory", made.settings).rows <= 1
    thread.rewind(RECORDS[:1])
    thread.add(RECORDS[1])
    thread.close()
    assert store == ROWS[:2]
    assert read_state(tmp_path, "memory", made.settings).rows == 2


def test_a_tracker_that_does_not_answer_holds_up_nothing(feed):
    answer = threading.Event()

    class Hanging(MemoryTracker):
        def open(self, run):
            answer.wait()
            return self

    store: list = []
    thread = FeedThread(made := feed(Hanging(store)))
    thread.open([])
    for row in RECORDS:
        thread.add(row)
    thread.close(timeout_s=0.01)
    assert store == []
    assert "did not take its rows" in made.said[0]
    answer.set()
    thread.close()
    assert store == ROWS


def test_another_target_gets_every_row(feed):
    feed(MemoryTracker([]), "offline").open(RECORDS)
    online: list = []
    feed(MemoryTracker(online), "team/project").open(RECORDS)
    assert online == ROWS


def test_a_tracker_that_is_switched_off_has_sent_nothing(feed, tmp_path):
    class Off(MemoryTracker):
        def open(self, run):
            return None

    made = feed(Off())
    made.open(RECORDS[:1])
    made.add(RECORDS[1])
    made.close()
    assert (made.failed, made.sent) == (False, 0)
    assert not (tmp_path / "trackers").exists()


def test_a_tables_report_is_logged_once_until_it_changes(tmp_path):
    said: list[str] = []
    tracker = MemoryTracker()
    files = {"report.md": tmp_path / "report.md"}

    def log(one):
        return log_report({"memory": Settings(one)}, tmp_path, files, said.append)["memory"]

    files["report.md"].write_text("first")
    assert log(MemoryTracker(fails="report")) == "failed"
    assert "sends the report" in said[0]
    assert [log(tracker), log(tracker)] == ["sent", "up to date"]
    files["report.md"].write_text("second")
    assert log(tracker) == "sent"
    assert tracker.reports == [files, files]


def test_every_tracker_says_where_its_rows_go():
    chosen = Trackers(
        tensorboard={"name": "tensorboard"},
        wandb={"name": "wandb", "project": "p", "entity": "team", "mode": "online"},
        trackio={"name": "trackio", "project": "p"},
    ).chosen
    assert [one.target for one in chosen.values()] == ["tensorboard/", "team/p", "trackio project p"]
