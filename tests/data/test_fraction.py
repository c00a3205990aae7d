"""A fraction of the training images, and the dev split that is taken from it."""

from __future__ import annotations

import numpy as np
import pytest
from support.image_folders import fill, settings


@pytest.fixture
def folder(tmp_path):
    fill(tmp_path / "train", count=10, suffix=".jpg")
    fill(tmp_path / "val", count=2)
    return tmp_path


def test_a_fraction_of_each_class_is_trained_on_and_is_always_the_same(folder):
    def train(**changed):
        index = settings(folder, **changed).index(False)
        files = index.files["train"]
        return index, {str(files.path(i)) for i in range(len(files))}

    whole, every = train()
    part, some = train(train_fraction=0.3)
    assert some == train(train_fraction=0.3)[1] < every
    assert np.bincount(part.files["train"].labels_N).tolist() == [3, 3, 3]
    assert part.n_eval == whole.n_eval
    assert part.eval_fingerprint == whole.eval_fingerprint
    assert part.fingerprint != whole.fingerprint  # another run
    assert "data.train_fraction: 30% of the 30 training images are used" in part.provenance


def test_the_dev_split_is_taken_from_the_fraction(folder):
    index = settings(folder, train_fraction=0.5).index(True)
    train, dev = (index.files[split] for split in ("train", "dev"))
    assert (len(train), len(dev)) == (12, 3)
    assert not {*train.paths_N.tolist()} & {*dev.paths_N.tolist()}
