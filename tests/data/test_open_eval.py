"""Images to evaluate several networks on: each is decoded once, for all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from support.image_folders import fill, plain_views
from support.labelled_images import LABELLED

from inceptionctl.data import file_images
from inceptionctl.data.evaluated import open_eval
from inceptionctl.data.images import Unreadable
from inceptionctl.data.sources import digits
from inceptionctl.data.transforms import CentreCrop


def crops(*pixels):
    return [CentreCrop(side, 1.0) for side in pixels]


def test_each_image_is_decoded_once_for_all_networks(tmp_path, monkeypatch):
    fill(tmp_path, ("ant", "bee"), 2)
    source = replace(LABELLED, root=str(tmp_path))
    index = source.index(dev=False)
    decoded = []
    read = file_images.read_image
    monkeypatch.setattr(file_images, "read_image", lambda files, i: decoded.append(i) or read(files, i))
    images = open_eval(source, index, crops(8, 12), (8, 12))
    both = [images.image(0, i) for i in range(len(images))]
    assert len(decoded) == 4
    for side, alone in zip((8, 12), zip(*both, strict=True), strict=True):
        single = source.open(index, plain_views(side), 0).eval
        assert all((one == single.image(0, i)).all() for i, one in enumerate(alone))


def test_images_that_are_drawn_are_drawn_at_each_size():
    source = digits.Settings(name="digits", eval_split="dev", workers=0)
    images = open_eval(source, source.index(dev=False), crops(8, 12), (8, 12))
    assert [part.shape for part in images.image(0, 3)] == [(8, 8, 3), (12, 12, 3)]
    assert (len(images), len(images.labels_N), len(images.groups_N)) == (287, 287, 287)


def test_an_image_that_cannot_be_read_is_so_for_all_networks(tmp_path):
    damaged = fill(tmp_path, ("ant", "bee"), 2) / "ant" / "01.png"
    damaged.write_bytes(damaged.read_bytes()[:-200])
    source = replace(LABELLED, root=str(tmp_path), on_corrupt="wrong")
    images = open_eval(source, source.index(dev=False), crops(8, 12), (8, 12))
    with pytest.raises(Unreadable) as caught:
        images.image(0, 1)
    assert [part.shape for part in caught.value.image] == [(8, 8, 3), (12, 12, 3)]


def test_views_of_an_image_stay_together(tmp_path):
    fill(tmp_path, ("ant", "bee"), 1)
    source = replace(LABELLED, root=str(tmp_path))

    def two_views(image: Image.Image, random: np.random.Generator) -> np.ndarray:
        return np.stack([np.asarray(image.resize((8, 8))), np.asarray(image.resize((8, 8), Image.Resampling.NEAREST))])

    images = open_eval(source, source.index(dev=False), [two_views, *crops(4)], (8, 4))
    assert [part.shape for part in images.image(0, 0)] == [(2, 8, 8, 3), (4, 4, 3)]
