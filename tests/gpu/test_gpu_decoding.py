"""JPEG files decoded on the device again and again: the same values each time, near those of the CPU, and nothing else
in the device's memory changes. A decoder of another library wrote beyond its image on an H100 in 199 of 200 tries."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from support.gpu_runs import COMMON, DEVICE, SIZE, TINY, note, trained
from support.image_folders import fill, smooth
from support.shared_data import shared_data

from inceptionctl.data import crop_decoder
from inceptionctl.data.device.decode import JpegFile, decoded
from inceptionctl.data.jpeg_header import size_of_plain_jpeg
from inceptionctl.data.order import generator
from inceptionctl.data.transforms import random_box

pytestmark = pytest.mark.skipif(
    not crop_decoder.is_installed(), reason="nvidia-nvimgcodec-cu13 is not installed (the extra nvimgcodec)"
)
TIMES = 3 if TINY else 200
CANARY = 0xA5


@pytest.fixture(scope="module")
def files():
    """(what is decoded, bytes) of photographs: those of the folder IMAGES, or of the shared sample."""
    folder = Path(os.environ["IMAGES"]) if "IMAGES" in os.environ else shared_data("imagenet_sample")
    found = []
    for i, path in enumerate(sorted(folder.glob("*/*"))[: 16 if TINY else 64]):
        data = path.read_bytes()
        if size := size_of_plain_jpeg(data):
            box = random_box(size, (0.08, 1.0), (0.75, 1.33), generator(0, i))
            found.append((JpegFile(len(data), path.name, size, box), np.frombuffer(data, np.uint8)))
    return found


def decode(files, device=DEVICE):
    return decoded([file for file, _ in files], [data for _, data in files], torch.device(device))


def test_values_are_the_same_each_time_and_nothing_around_them_changes(files):
    device = torch.device(DEVICE)
    first = [pixels.clone() for pixels in decode(files)]
    for turn in range(TIMES):
        around = [torch.full((3_000 + 1_117 * i,), CANARY, dtype=torch.uint8, device=device) for i in range(64)]
        del around[turn % 2 :: 2]  # leaves room for images between the others
        found = decode(files)
        assert all(torch.equal(one, other) for one, other in zip(found, first, strict=True)), turn
        assert all(bool((one == CANARY).all()) for one in around), turn
    note("decoding on the device", device=DEVICE, files=len(files), times=TIMES)


def test_values_are_near_those_of_the_cpu(files):
    differences = [
        (here.cpu().int() - cpu.int()).abs() for here, cpu in zip(decode(files), decode(files, "cpu"), strict=True)
    ]
    most, mean = (max(float(getattr(one.float(), of)()) for one in differences) for of in ("max", "mean"))
    note("decoding on the device, from the CPU's values", device=DEVICE, most=most, worst_mean=mean)
    assert mean < 2


def test_a_run_trains_on_them(tmp_path):
    for split in ("train", "val"):
        fill(tmp_path / "images" / split, count=32, suffix=".jpg")
    smooth(1, (300, 200)).save(tmp_path / "images" / "train" / "ant" / "00.jpg", progressive=True)
    run = trained(
        tmp_path / "runs", "train", "data=imagefolder", "data.workers=2", "augment=slim", *SIZE, *COMMON,
        "train.batch_size=24", f"data.root={tmp_path / 'images'}", "data.augment_on=device", "data.decode_on=device",
    )  # fmt: skip
    assert (run / "result.json").is_file()
