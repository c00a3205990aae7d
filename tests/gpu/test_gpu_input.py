"""Augmentation on the device: the images of the CPU to within rounding, and a run that sees them."""

from __future__ import annotations

import torch
from support.gpu_runs import COMMON, DEVICE, SIZE, note, trained
from support.image_folders import settings

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.images import Views
from inceptionctl.data.loader import Loader
from inceptionctl.data.transforms import CentreCrop

WORDS = ["train", "data=imagefolder", "data.workers=2", "augment=slim_full", *SIZE, *COMMON, "train.batch_size=24"]
PIXELS = 79


def crops(images, pin, **changed):
    views = Views(PIXELS, parse(compose("train", ["augment=slim_full"])).augment.crop(PIXELS), CentreCrop(PIXELS, 1.0))
    source = settings(images, **changed)
    opened = source.open(source.index(False), views, 0).train
    return Loader(2, pin=pin).training(opened, 24, 0, range(4))


def test_images_are_those_of_the_cpu_to_within_rounding(images):
    """A sum of another order may round another way; a hue near grey then turns."""
    for batch in crops(images, pin=DEVICE != "cpu"):
        here, cpu = batch.images(torch.device(DEVICE)).cpu(), batch.images(torch.device("cpu"))
        difference = (here.int() - cpu.int()).abs().float()
        note("augmentation", device=DEVICE, most=float(difference.max()), mean=float(difference.mean()))
        assert difference.quantile(0.999) <= 1
        assert difference.mean() < 0.01


def test_images_are_the_same_each_time(images):
    batch = next(crops(images, pin=DEVICE != "cpu"))
    first = batch.images(torch.device(DEVICE))
    for _ in range(20):
        assert torch.equal(batch.images(torch.device(DEVICE)), first)


def test_images_that_the_device_holds_are_the_same(images):
    pin, device = DEVICE != "cpu", torch.device(DEVICE)
    held = crops(images, pin, augment_on="device", cache="device")
    for one, other in zip(crops(images, pin), held, strict=True):
        assert len(other.content) == 0
        assert torch.equal(one.images(device), other.images(device))


def test_a_run_trains_on_them(tmp_path, images):
    run = trained(tmp_path, *WORDS, f"data.root={images}", "data.augment_on=device")
    assert (run / "result.json").is_file()


def test_a_run_trains_on_images_that_the_device_holds(tmp_path, images):
    run = trained(tmp_path, *WORDS, f"data.root={images}", "data.augment_on=device", "data.cache=device")
    assert (run / "result.json").is_file()
