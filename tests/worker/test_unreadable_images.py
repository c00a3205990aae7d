"""The images that a run could not read are named in its result: on any number of ranks, after any interruption."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.image_folders import fill
from support.ranks import on_ranks
from support.records import RESULT
from support.runs import result
from test_trainer import folder, interrupted, run

from inceptionctl.data.index import FileList
from inceptionctl.runs.evaluations import read_evaluation
from inceptionctl.runs.records.evaluation import UnreadableImages
from inceptionctl.scheduling.progress import summary
from inceptionctl.training.meters import StepMeans, StepMeter
from inceptionctl.worker.assemble import assemble
from inceptionctl.worker.unreadable import unreadable_images

BROKEN = ("ant/02.png", "bee/04.png")
TWO_EPOCHS = ["train.epochs=2", "train.log_every=4"]  # ten steps, of 4 of the 20 images


@pytest.fixture
def words(tmp_path):
    for split, count in (("train", 10), ("val", 3)):
        fill(tmp_path / split, ("ant", "bee"), count)
    for name in BROKEN:
        (tmp_path / "train" / name).write_bytes(b"no image")
    (tmp_path / "val/ant/01.png").write_bytes(b"no image")
    data = ["data=imagefolder", f"data.root={tmp_path}", "data.workers=0", "data.on_corrupt=skip"]
    return [*data, "augment=none", "train.batch_size=4", *TWO_EPOCHS]


def trained_on_ranks(context, path):
    context.shutdown()  # a run connects its ranks itself
    assemble(path).fit(lambda: False)


def test_a_result_names_them_whatever_happened_to_the_run(words, tmp_path):
    expected = UnreadableImages(total=2, root=str(tmp_path / "train"), names=[*BROKEN])
    whole = run(tmp_path / "whole", *words)
    assert (result(whole.path).unreadable, result(whole.path).unreadable_images) == (4, expected)
    cut = interrupted(tmp_path / "cut", *words, at=7)  # between two rows of metrics
    assert (result(cut.path).unreadable, result(cut.path).unreadable_images) == (4, expected)
    divided = folder(tmp_path / "divided", *words)
    on_ranks(2, tmp_path, trained_on_ranks, divided)
    assert (result(divided.path).unreadable, result(divided.path).unreadable_images) == (4, expected)
    record = read_evaluation(whole.path / result(whole.path).evaluation("ema").file)
    assert record.unreadable == 1
    assert record.unreadable_images == UnreadableImages(total=1, root=str(tmp_path / "val"), names=["ant/01.png"])


def test_the_first_hundred_are_named_and_all_are_counted():
    paths_N = np.array([f"{k:03d}.png".encode() for k in range(300)])
    files = FileList("/data/train", paths_N, np.zeros(300, np.int64), np.ones(300, np.int64))
    found = unreadable_images(files, [*range(250, 50, -1), 60])
    assert (found.total, found.names) == (200, [f"{k:03d}.png" for k in range(51, 151)])
    assert unreadable_images(None, []) == unreadable_images(files, []) == UnreadableImages(total=0, root=None, names=[])


def test_the_line_of_a_finished_run_says_how_many():
    found = UnreadableImages(total=3, root="/data/train", names=["a", "b", "c"])
    assert summary(replace(RESULT, unreadable=9, unreadable_images=found)).endswith(
        "; 3 training images could not be read (result.json has the names)"
    )
    assert "could not be read" not in summary(replace(RESULT, unreadable_images=replace(found, total=0)))
    assert "could not be read" not in summary(RESULT)


def test_a_checkpoint_of_earlier_versions_counts_them():
    meter = StepMeter(None, loss_scaled=False)
    meter.load_state_dict([[2.5, 1.0, 4], [2.0, None, 1, [7]]])
    assert meter.reduced == [StepMeans(2.5, 1.0, 4), StepMeans(2.0, None, 1, (7,))]
