"""Runs whose training images are augmented on the rank's device, here the CPU."""

from __future__ import annotations

import pytest
import torch
from support.image_folders import fill
from test_trainer import interrupted, rows, run, weights

from inceptionctl.config.identity import identity
from inceptionctl.data.crop_decoder import is_installed
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.records.metrics import TrainRow

WORDS = ["data=imagefolder", "augment=slim_full", "train.batch_size=4", "train.epochs=1", "train.log_every=1"]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    fill(root / "train", suffix=".jpg")
    fill(root / "val", count=2)
    return root


def train(path, images, *words, begin=run, **how):
    return begin(path, *WORDS, f"data.root={images}", "data.workers=0", *words, **how)


@pytest.fixture(scope="module")
def on_device(tmp_path_factory, images):
    return train(tmp_path_factory.mktemp("device") / "run", images, "data.augment_on=device")


def test_the_first_loss_is_that_of_the_workers_images(on_device, images, tmp_path):
    """Images differ by rounding, and weights from then on."""
    on_cpu = train(tmp_path / "run", images)
    first = [rows(made, TrainRow)[0].loss for made in (on_device, on_cpu)]
    assert first[0] == pytest.approx(first[1], rel=0.01)
    assert first[0] != first[1]
    assert identity(read_config(on_device)) != identity(read_config(on_cpu))


def test_weights_are_the_same_for_any_number_of_workers_and_after_an_interruption(on_device, images, tmp_path):
    words = ["data.augment_on=device", "data.workers=2"]
    resumed = train(tmp_path / "run", images, *words, begin=interrupted, at=2)
    one, other = weights(on_device), weights(resumed)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_weights_are_the_same_where_the_device_holds_the_images(on_device, images, tmp_path):
    words = ["data.augment_on=device", "data.cache=device", "data.workers=2"]
    held = train(tmp_path / "run", images, *words)
    one, other = weights(on_device), weights(held)
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert identity(read_config(held)) == identity(read_config(on_device))


@pytest.mark.skipif(not is_installed(), reason="nvidia-nvimgcodec-cu13 is not installed (the extra nvimgcodec)")
def test_decoded_on_the_cpu_as_the_device_weights_are_the_same(on_device, images, tmp_path):
    decoded = train(tmp_path / "run", images, "data.augment_on=device", "data.decode_on=device")
    one, other = weights(on_device), weights(decoded)
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert identity(read_config(decoded)) != identity(read_config(on_device))  # a GPU gives other values
