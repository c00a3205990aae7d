"""What a run says to people is found in its log, as it comes."""

from __future__ import annotations

import pytest

from inceptionctl.runs.exits import record_exit
from inceptionctl.runs.logs import NoticeTail
from inceptionctl.runs.paths import RunDir


@pytest.fixture
def run(tmp_path):
    (tmp_path / "log").mkdir()
    return RunDir(tmp_path)


def add(run, text):
    with run.log().open("a", encoding="utf-8") as log:
        log.write(text)


def test_notices_are_read_as_they_come(run):
    add(run, "inceptionctl: of an earlier start\n")
    tail = NoticeTail(run)
    assert tail.read() == []
    add(run, "something else\ninceptionctl: a tracker failed\n  and so on\nTraceback\ninceptio")
    assert tail.read() == ["a tracker failed\n  and so on"]
    add(run, "nctl: whole now\n")
    assert tail.read() == ["whole now"]
    assert tail.read() == []


def test_the_message_that_ends_a_run_is_none(run):
    tail = NoticeTail(run)
    record_exit(run, 1, "the disk is full")
    add(run, "inceptionctl: a warning\ninceptionctl: the disk is full\n")
    assert tail.read() == ["a warning"]


def test_a_log_that_is_not_there_yet(tmp_path):
    tail = NoticeTail(RunDir(tmp_path))
    assert tail.read() == []
