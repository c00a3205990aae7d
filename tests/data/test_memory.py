"""Images held in memory, and a fraction of the training images."""

from __future__ import annotations

import numpy as np
import pytest
from support.image_folders import fill, settings

from inceptionctl.data.images import Unreadable, Views
from inceptionctl.data.index import FileList
from inceptionctl.data.memory import ImageMemory
from inceptionctl.data.transforms import CentreCrop, CropFlip
from inceptionctl.errors import RequestError

FLIP = CropFlip(name="crop_flip", padding=0.125, flip=0.5)
VIEWS = Views(16, FLIP.transform(16), CentreCrop(16, 1.0))


@pytest.fixture
def folder(tmp_path):
    fill(tmp_path / "train", count=10, suffix=".jpg")
    fill(tmp_path / "val", count=2)
    return tmp_path


def opened(source, dev=False):
    return source.open(source.index(dev), VIEWS, 3)


@pytest.mark.parametrize("dev", [False, True])
def test_images_in_memory_are_those_of_the_files_bit_for_bit(folder, dev):
    held, read = (opened(settings(folder, in_memory=one), dev) for one in (True, False))
    for split in ("train", "monitor", "eval"):
        one, other = getattr(held, split), getattr(read, split)
        assert len(one) == len(other) > 0
        for epoch in (0, 1):
            for index in range(len(one)):
                assert np.array_equal(one.image(epoch, index), other.image(epoch, index))


def test_files_are_read_once(folder, monkeypatch):
    read = []
    real = FileList.read
    monkeypatch.setattr(FileList, "read", lambda files, index: read.append(files.name(index)) or real(files, index))
    images = opened(settings(folder, in_memory=True))
    for epoch in range(3):
        for index in range(len(images.train)):
            images.train.image(epoch, index)
    assert len(read) == len(set(read)) == 30 + 6


def test_an_unreadable_image_is_reported_when_its_turn_comes(folder):
    (folder / "train" / "ant" / "00.jpg").write_bytes(b"no image at all")
    images = opened(settings(folder, in_memory=True, on_corrupt="skip")).train
    with pytest.raises(Unreadable, match=r"ant/00.jpg cannot be read"):
        images.image(0, 0)
    assert images.image(0, 1).shape == (16, 16, 3)


def test_what_does_not_fit_is_refused_with_its_size(folder):
    files = settings(folder).index(False).files["train"]
    whole = ImageMemory.of(files)
    assert ImageMemory.of(files, whole.pixels.size).shapes_N2.shape == (30, 2)
    with pytest.raises(RequestError, match=r"data.in_memory=true: the first 30 decoded images need .* is the most"):
        ImageMemory.of(files, whole.pixels.size - 1)


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
