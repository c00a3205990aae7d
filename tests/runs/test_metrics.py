"""metrics.jsonl: what is cut, and how much of it is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.records import TRAIN_ROW

from inceptionctl.runs.io import to_line
from inceptionctl.runs.metrics import TAIL_BYTES, MetricsFile, MetricsTail, newest_metrics, read_metrics


def row(step):
    return replace(TRAIN_ROW, step=step)


def lines(*steps):
    return b"".join(to_line(row(step)) for step in steps)


def append(path, data):
    with path.open("ab") as file:
        file.write(data)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.jsonl"


@pytest.fixture
def bytes_read():
    """The bytes that this process has asked the system for since the last call."""
    io = Path("/proc/self/io")
    if not io.is_file():
        pytest.skip("the system does not count them")
    before = 0

    def count() -> int:
        nonlocal before
        total = int(io.read_text().split()[1])
        since, before = total - before, total
        return since

    count()
    return count


def test_metrics_past_the_checkpoint_are_cut(path):
    path.write_bytes(lines(1, 2, 3) + b'{"step')
    file = MetricsFile(path, rows=2)
    file.write(row(4))
    file.close()
    assert path.read_bytes() == lines(1, 2, 4)
    assert file.rows == 3


def test_a_tail_reads_each_row_once_and_waits_for_the_end_of_the_last(path):
    tail = MetricsTail(path)
    assert tail.read() == []
    path.write_bytes(lines(1, 2) + lines(3)[:-5])
    assert tail.read() == [row(1), row(2)]
    assert tail.read() == []
    append(path, lines(3)[-5:])
    assert tail.read() == [row(3)]


def test_a_tail_goes_on_behind_a_cut(path):
    path.write_bytes(lines(*range(1, 10)))
    tail = MetricsTail(path)
    tail.read()
    path.write_bytes(lines(1, 2))
    assert tail.read() == []
    append(path, lines(3))
    assert tail.read() == [row(3)]


def test_a_tail_skips_what_is_left_of_a_row_that_was_cut(path):
    path.write_bytes(lines(1, 2))
    tail = MetricsTail(path)
    tail.read()
    path.write_bytes(lines(1, 200_000, 3))  # cut and written further between two looks
    assert tail.read() == [row(3)]


def test_only_new_rows_are_read(path, bytes_read):
    """The queue looks five times a second: the cost must not grow with the file."""
    path.write_bytes(lines(*range(20_000)))
    tail = MetricsTail(path)
    assert len(tail.read()) == 20_000
    bytes_read()
    for step in range(10):
        assert tail.read() == []
        append(path, lines(step))
        assert tail.read() == [row(step)]
    assert bytes_read() < 20_000 < path.stat().st_size


def test_the_last_rows_of_a_long_run_are_read_alone(path, bytes_read):
    path.write_bytes(lines(*range(20_000)))
    bytes_read()
    assert next(newest_metrics(path)) == read_metrics(path)[-1] == row(19_999)
    bytes_read()
    assert len(list(newest_metrics(path))) > 50
    assert bytes_read() < TAIL_BYTES + 5_000
