"""Synthetic images: noise that costs little, is the same for the same arguments, and is said to be for speed only."""

from __future__ import annotations

import numpy as np
import pytest
from support.image_folders import plain_views

from inceptionctl.cli import main
from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.sources.synthetic import Noise
from inceptionctl.errors import RequestError

SPEED_ONLY = "synthetic noise, for speed only: errors mean nothing"


def source(*words):
    return parse(compose("train", ["data=synthetic", *words])).data


def test_images_are_noise_that_differs_by_index_epoch_and_seed():
    one = Noise(100, 10, 32, seed=3)
    images = [one.image(0, i) for i in range(100)]
    assert len({image.tobytes() for image in images}) == 100
    assert not np.array_equal(one.image(0, 0), one.image(1, 0))
    assert not np.array_equal(one.image(0, 0), Noise(100, 10, 32, seed=4).image(0, 0))
    assert np.array_equal(images[7], Noise(100, 10, 32, seed=3).image(0, 7))
    assert np.mean(images) == pytest.approx(127.5, abs=2)
    assert one.labels_N.tolist() == [*range(10)] * 10


@pytest.mark.parametrize(
    ("words", "dev", "sizes"),
    [
        ((), False, (10_000, 1_000)),
        ((), True, (9_000, 1_000)),
        (("data.eval_split=dev",), False, (9_000, 1_000)),
        (("data.images=40", "data.classes=20"), False, (40, 20)),
    ],
)
def test_how_many_there_are(words, dev, sizes):
    data = source(*words)
    index = data.index(dev)
    opened = data.open(index, plain_views(16), 0)
    assert (index.n_train, index.n_eval) == sizes == (len(opened.train), len(opened.eval))
    assert len(opened.monitor) == sizes[1]
    assert {*opened.eval.labels_N.tolist()} == {*range(len(index.classes))}


def test_it_is_said_to_be_for_speed_only(capsys):
    assert "for speed only" in source().title
    assert SPEED_ONLY in source().index(dev=False).provenance
    assert main(["train", "data=synthetic", "--dry-run"]) == 0
    assert SPEED_ONLY in capsys.readouterr().out
    assert main(["data", "stats", "data=synthetic"]) == 0
    assert SPEED_ONLY in capsys.readouterr().out
    assert main(["data", "check", "data=synthetic"]) == 2


def test_too_few_images_are_refused():
    with pytest.raises(RequestError, match=r"data.images = 19 is too small for data.classes = 10.*, 20"):
        source("data.images=19", "data.classes=10").index(dev=False)
