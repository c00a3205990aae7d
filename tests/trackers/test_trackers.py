"""Trackers get the rows of metrics.jsonl; one that fails is reported once."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from support.records import EVAL_ROW, TRAIN_ROW

from inceptionctl.config.compose import groups
from inceptionctl.runs.records.metrics import OptimizerRow
from inceptionctl.scheduling.progress import describe
from inceptionctl.trackers import tensorboard, wandb
from inceptionctl.trackers.base import Guarded, NullTracker
from inceptionctl.trackers.registry import TRACKERS

RECORDS = [
    replace(TRAIN_ROW, step=10, epoch=0.5, loss=2.5),
    replace(TRAIN_ROW, step=20, epoch=1.0, loss=2.0),
    replace(EVAL_ROW, step=20, epoch=1.0, top1_error=12.5),
    OptimizerRow(step=20, epoch=1.0, inv_rms_mean=0.5, inv_rms_p1=0.25, inv_rms_p99=0.75),
]
ROWS = [asdict(record) for record in RECORDS]


def test_every_tracker_has_an_option_of_its_name():
    assert [*TRACKERS] == groups("train")["tracker"]


@pytest.mark.parametrize("when", ["open", "write", "rewind", "close"])
def test_a_tracker_that_fails_is_reported_once_and_stops_nothing(when):
    class Failing(NullTracker):
        def write(self, row):
            if when == "write":
                raise ConnectionError("no route")

        def rewind(self, step):
            if when == "rewind":
                raise ValueError("not now")

        def close(self):
            if when == "close":
                raise OSError("disk")

    def open_it():
        if when == "open":
            raise RuntimeError("no key")
        return Failing()

    said: list[str] = []
    tracker = Guarded("wandb", open_it, said.append)
    for row in ROWS:
        tracker.write(row)
    tracker.rewind(10)
    tracker.close()
    assert len(said) == 1
    assert said[0].startswith("tracker wandb failed")


def test_tensorboard_gets_the_rows(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tracker = tensorboard.Settings(name="tensorboard").open(tmp_path, {})
    for row in ROWS:
        tracker.write(row)
    tracker.close()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    tags = events.Tags()["scalars"]
    assert [tag for tag in tags if tag.endswith(("/schema", "/step"))] == []
    assert [(e.step, e.value) for e in events.Scalars("train/loss")] == [(10, 2.5), (20, 2.0)]
    assert [(e.step, e.value) for e in events.Scalars("ema/top1_error")] == [(20, 12.5)]
    assert [(e.step, e.value) for e in events.Scalars("optimizer/inv_rms_p1")] == [(20, 0.25)]


def test_tensorboard_shows_each_step_once_after_a_run_went_back(tmp_path):
    """Killed after step 30 and resumed from step 10, by another process; then back to step 20 in the same one."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def rows(*steps, loss):
        return [{"kind": "train", "step": step, "loss": loss} for step in steps]

    killed, resumed = (tensorboard.Settings(name="tensorboard").open(tmp_path, {}) for _ in range(2))
    for row in rows(10, 20, 30, loss=1.0):
        killed.write(row)
    resumed.rewind(10)
    for row in rows(20, 30, loss=2.0):
        resumed.write(row)
    resumed.rewind(20)
    for row in rows(30, 40, loss=3.0):
        resumed.write(row)
    killed.close(), resumed.close()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("train/loss")] == [(10, 1.0), (20, 2.0), (30, 3.0), (40, 3.0)]


def test_the_console_describes_every_kind_of_row():
    assert [describe(row) for row in RECORDS[1:]] == [
        "loss 2.00, 100 images/s",
        "error 12.5 %",
        "1/sqrt(v+eps) 0.5",
    ]


def history(log: Path) -> Iterator[tuple[str, float]]:
    """(name, value) of what was logged: LevelDB's framing (a 7-byte file header, then checksum, length, type before
    each record; short files have one block), protocol buffers inside."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at = log.read_bytes(), 7
    assert len(data) < 32768, "records of longer files are split over blocks"
    while at + 7 <= len(data):
        _, length, _ = struct.unpack_from("<IHB", data, at)
        for item in Record.FromString(data[at + 7 : at + 7 + length]).history.item:
            yield item.key or ".".join(item.nested_key), float(item.value_json)
        at += 7 + length


def test_wandb_offline_keeps_the_rows_in_the_run_folder(tmp_path, monkeypatch):
    """Run for real, read back through wandb's own messages; no key is anywhere in the folder."""
    monkeypatch.setenv("WANDB_API_KEY", "0123456789" * 4)
    run = tmp_path / "table" / "abc-0"
    run.mkdir(parents=True)
    tracker = wandb.Settings(name="wandb", project="inceptionctl", mode="offline").open(run, {"seed": 0})
    for row in ROWS:
        tracker.write(row)
    tracker.close()
    (log,) = run.glob("wandb/offline-run-*/*.wandb")
    assert [value for key, value in history(log) if key == "train/loss"] == [2.5, 2.0]
    assert [value for key, value in history(log) if key == "ema/top1_error"] == [12.5]
    assert not [p for p in run.rglob("*") if p.is_file() and b"0123456789012345" in p.read_bytes()]
