"""Folders of pictures: which splits are found, what is refused, how pictures are cropped."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from inceptionctl.data.order import generator
from inceptionctl.data.sources.imagefolder import FolderImages, find
from inceptionctl.data.transforms import AUGMENTATIONS, CentreCrop
from inceptionctl.errors import RequestError


def fill(folder, classes=("cat", "dog"), count=5, size=(32, 24)):
    for label, kind in enumerate(classes):
        (folder / kind).mkdir(parents=True)
        for i in range(count):
            Image.new("RGB", size, (label * 100, i * 10, 0)).save(folder / kind / f"{i:02d}.png")
    return folder


@pytest.mark.parametrize("name", ["val", "test"])
def test_train_with_val_or_test_is_found(tmp_path, name):
    fill(tmp_path / "train"), fill(tmp_path / name, count=2)
    splits = find(str(tmp_path), None, None, None, "test")
    assert (len(splits.train.files), len(splits.eval.files)) == (10, 4)
    assert splits.train.classes == ("cat", "dog")
    assert splits.origin.endswith(name)


def test_two_folders_may_be_named(tmp_path):
    fill(tmp_path / "a"), fill(tmp_path / "b", count=1)
    splits = find(None, str(tmp_path / "a"), str(tmp_path / "b"), None, "test")
    assert len(splits.eval.files) == 2


def test_a_share_may_be_held_out_and_is_always_the_same(tmp_path):
    fill(tmp_path / "all", count=10)
    one, two = (find(str(tmp_path / "all"), None, None, 0.2, "test") for _ in range(2))
    assert one == two
    assert [list(one.eval.labels).count(k) for k in (0, 1)] == [2, 2]
    assert not set(one.train.files) & set(one.eval.files)
    assert "20% held out" in one.origin


def test_dev_never_touches_the_evaluation_pictures(tmp_path):
    fill(tmp_path / "train", count=10), fill(tmp_path / "val", count=3)
    splits = find(str(tmp_path), None, None, None, "dev")
    assert splits.eval.root == tmp_path / "train"
    assert (len(splits.train.files), len(splits.eval.files)) == (18, 2)


def test_the_fingerprint_follows_the_files(tmp_path):
    fill(tmp_path / "train"), fill(tmp_path / "val")
    before = find(str(tmp_path), None, None, None, "test").fingerprint
    assert find(str(tmp_path), None, None, None, "test").fingerprint == before
    (tmp_path / "train" / "cat" / "00.png").rename(tmp_path / "train" / "cat" / "99.png")
    assert find(str(tmp_path), None, None, None, "test").fingerprint != before


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(RequestError, match=r"needs data.root"):
        find(None, None, None, None, "test")
    with pytest.raises(RequestError, match=r"(?s)no train/ with val/ or test/.*data.split"):
        find(str(tmp_path), None, None, None, "test")
    with pytest.raises(RequestError, match="go together"):
        find(None, str(tmp_path), None, None, "test")
    (tmp_path / "train" / "cat").mkdir(parents=True), (tmp_path / "val" / "cat").mkdir(parents=True)
    with pytest.raises(RequestError, match="no pictures"):
        find(str(tmp_path), None, None, None, "test")


def test_different_classes_are_refused(tmp_path):
    fill(tmp_path / "train"), fill(tmp_path / "val", classes=("cat", "dgo"))
    with pytest.raises(RequestError, match="different classes: dgo, dog"):
        find(str(tmp_path), None, None, None, "test")


def test_pictures_are_pure_functions_of_epoch_and_index(tmp_path):
    fill(tmp_path / "train"), fill(tmp_path / "val")
    noisy = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    Image.fromarray(noisy).save(tmp_path / "train" / "cat" / "00.png")
    splits = find(str(tmp_path), None, None, None, "test")
    for make in AUGMENTATIONS.values():
        images = FolderImages(splits.train, make(16), seed=1)
        assert (images.image(0, 0) == images.image(0, 0)).all()
        assert len({images.image(epoch, 0).tobytes() for epoch in range(6)}) > 1
        assert images.image(0, 0).shape == (16, 16, 3)


def test_grey_pictures_and_those_with_alpha_become_colour(tmp_path):
    fill(tmp_path / "train"), fill(tmp_path / "val")
    Image.new("L", (9, 30), 77).save(tmp_path / "train" / "cat" / "00.png")
    Image.new("RGBA", (30, 9), (1, 2, 3, 0)).save(tmp_path / "train" / "cat" / "01.png")
    images = FolderImages(find(str(tmp_path), None, None, None, "test").train, CentreCrop(8, 1.0), 0)
    assert (images.image(0, 0) == 77).all()
    assert images.image(0, 1).shape == (8, 8, 3)


def test_the_centre_crop_is_pillow_s():
    """Cropping first, then resizing, gives the same pixels but at the border, where the crop cuts the filter off."""
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 80, 3), dtype=np.uint8))
    ours = CentreCrop(28, 0.875)(picture, generator(0, 0))
    theirs = picture.crop((12, 4, 68, 60)).resize((28, 28), Image.Resampling.BILINEAR)
    assert (np.asarray(ours)[1:-1, 1:-1] == np.asarray(theirs)[1:-1, 1:-1]).all()
