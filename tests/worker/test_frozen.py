"""Ranks work from what the run folder holds: they plan nothing and list no folder."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.image_folders import fill
from test_trainer import folder

from inceptionctl.data import listing
from inceptionctl.data.sources import imagefolder
from inceptionctl.files import FileError
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.index_file import read_index, write_index
from inceptionctl.worker.assemble import assemble


@pytest.fixture
def run(tmp_path):
    fill(tmp_path / "images" / "train")
    fill(tmp_path / "images" / "val", count=2)
    words = [
        "data=imagefolder",
        f"data.root={tmp_path / 'images'}",
        "data.workers=0",
        "augment=none",
        "train.batch_size=4",
    ]
    return folder(tmp_path / "run", *words)


def test_ranks_read_the_images_that_were_planned(run, tmp_path, monkeypatch):
    """A file that was added since has no part in the run."""

    def listed(*_):
        raise AssertionError("a rank lists the images")

    fill(tmp_path / "images" / "train", classes=("ant",), count=9)
    monkeypatch.setattr(listing, "entries", listed)
    monkeypatch.setattr(imagefolder.Settings, "index", listed)
    trainer = assemble(run)
    assert (len(trainer.images.train), len(trainer.images.eval)) == (12, 6)
    trainer.fit(lambda: False)
    assert run.finished


def exchange_labels(run):
    index = read_index(run, read_config(run).resolved.data_fingerprint)
    train = index.files["train"]
    write_index(run, replace(index, files=index.files | {"train": replace(train, labels_N=train.labels_N[::-1])}))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda run: run.index.unlink(), "index.npz cannot be read: No such file"),
        (lambda run: run.index.write_bytes(run.index.read_bytes()[:-200]), "index.npz is damaged"),
        (exchange_labels, "index.npz lists other images"),
    ],
)
def test_an_index_that_is_not_that_of_the_run_is_refused(harm, message, run):
    harm(run)
    with pytest.raises(FileError, match=message):
        assemble(run)
