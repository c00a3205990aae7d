"""JPEG files that the rank decodes on its device, here the CPU, whose bits are those of the workers' decoder."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from support.image_folders import fill, settings, smooth
from support.packed_images import pack_data_set, packed_settings

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data import crop_decoder, training_source
from inceptionctl.data.decode import by_pillow
from inceptionctl.data.device import decode
from inceptionctl.data.device.decode import JpegFile
from inceptionctl.data.images import Views
from inceptionctl.data.loader import Loader
from inceptionctl.data.transforms import CentreCrop
from inceptionctl.errors import DataError, RequestError

CPU = torch.device("cpu")
SIDE = 32
ON_DEVICE = {"augment_on": "device", "decode_on": "device"}
needs_codec = pytest.mark.skipif(
    not crop_decoder.is_installed(), reason="nvidia-nvimgcodec-cu13 is not installed (the extra nvimgcodec)"
)


@pytest.fixture
def folder(tmp_path):
    """JPEG files of several kinds and sizes, one that EXIF turns, and a PNG."""
    root = tmp_path / "images"
    for split in ("train", "val"):
        fill(root / split, count=4, suffix=".jpg")
    ant = root / "train" / "ant"
    smooth(1, (90, 61)).save(ant / "00.jpg", progressive=True)
    smooth(2, (33, 200)).convert("L").save(ant / "01.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    smooth(3, (80, 50)).save(ant / "02.jpg", exif=exif)
    smooth(4, (70, 40)).save(ant / "99.png")
    (ant / "03.jpg").write_bytes((ant / "03.jpg").read_bytes() + b"\0\0")  # more than a JPEG file
    return root


def batch_of(root, option, encoded, workers=0):
    augmentation = parse(compose("train", [f"augment={option}"])).augment
    train = augmentation.encoded(SIDE) if encoded else augmentation.crop(SIDE)
    source = settings(root)
    images = source.open(source.index(False), Views(SIDE, train, CentreCrop(SIDE, 1.0)), 3).train
    return next(Loader(workers).training(images, 13, 3, range(1)))


@needs_codec
@pytest.mark.parametrize("option", ["none", "crop_flip", "slim_full"])
@pytest.mark.parametrize("workers", [0, 2])
def test_images_are_those_of_crops_that_the_workers_decoded(option, workers, folder):
    encoded, crops = batch_of(folder, option, True, workers), batch_of(folder, option, False)
    files = [part for part in encoded.parts if isinstance(part, JpegFile)]
    assert len(files) == 11  # all but the PNG and the image that is turned
    assert torch.equal(encoded.images(CPU), crops.images(CPU))
    assert torch.equal(encoded.labels_N, crops.labels_N)


@needs_codec
def test_a_file_that_is_cut_short_is_named(folder):
    path = folder / "train" / "bee" / "01.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(
        DataError, match=r"bee/01\.jpg cannot be read: image file is truncated.* set data\.decode_on=cpu"
    ):
        batch_of(folder, "slim", True).images(CPU)


@needs_codec
def test_a_batch_that_the_device_cannot_decode_is_left_to_the_cpu(capsys):
    """Said once."""
    data = io.BytesIO()
    smooth(1, (40, 30)).save(data, "JPEG")
    longer = np.frombuffer(data.getvalue() + b"\0", np.uint8)
    decode._warn_once.cache_clear()
    for box in [(0, 0, 40, 30), (3, 4, 20, 30)]:
        left, top, right, bottom = box
        (found,) = decode.decoded([JpegFile(len(longer), "a", (40, 30), box)], [longer], CPU)
        assert np.array_equal(found, by_pillow(longer.tobytes(), "a")[top:bottom, left:right])
    assert capsys.readouterr().err.count("the CPU decodes those") == 1


@needs_codec
def test_settings_that_go_with_it_are_accepted(folder):
    assert settings(folder, **ON_DEVICE).index(False).n_train == 13


REFUSED = [
    ({"decode_on": "device"}, r"needs data\.augment_on=device, not cpu"),
    ({**ON_DEVICE, "cache": "memory"}, r"needs data\.cache=auto, not memory"),
    ({**ON_DEVICE, "on_corrupt": "skip"}, r"needs data\.on_corrupt=error, not skip"),
]


@pytest.mark.parametrize(("changed", "message"), REFUSED, ids=["augment_on", "cache", "on_corrupt"])
def test_settings_that_do_not_go_with_it_are_refused(changed, message, folder):
    with pytest.raises(RequestError, match=message):
        settings(folder, **changed).index(False)


def test_without_the_package_it_is_refused_with_the_way_to_install_it(folder, monkeypatch):
    monkeypatch.setattr(training_source, "is_installed", lambda: False)
    with pytest.raises(RequestError, match=r"needs nvidia-nvimgcodec-cu13: pip install 'inceptionctl\[gpu-decode\]'"):
        settings(folder, **ON_DEVICE).index(False)


def test_it_is_refused_for_images_that_lie_there_as_pixels(folder):
    root = pack_data_set(settings(folder), folder.parent / "raw", "raw", 24)
    with pytest.raises(RequestError, match="has no effect: the images lie there as pixels"):
        packed_settings(root, **ON_DEVICE).index(False)
