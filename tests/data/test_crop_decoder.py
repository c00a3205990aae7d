"""The crop of a JPEG file decoded alone, by nvImageCodec on the CPU: the bits of the whole image's crop."""

from __future__ import annotations

import os

import numpy as np
import pytest
from support.image_folders import fill, settings, smooth
from support.shared_data import shared_data
from test_decode import LAYOUTS, UPRIGHT

from inceptionctl.data import crop_decoder
from inceptionctl.data.crop_decoder import decode_crop
from inceptionctl.data.decode import PlainJpeg, by_pillow, read_image
from inceptionctl.data.images import Views
from inceptionctl.data.jpeg_header import size_of_plain_jpeg
from inceptionctl.data.loader import Loader
from inceptionctl.data.order import generator
from inceptionctl.data.transforms import AUGMENTATIONS, CentreCrop, random_box
from inceptionctl.errors import DataError

needs_codec = pytest.mark.skipif(
    not crop_decoder.is_installed(), reason="nvidia-nvimgcodec-cu13 is not installed (the extra gpu-decode)"
)
CROP = AUGMENTATIONS["inception_crop"](
    name="inception_crop", area=[0.08, 1.0], aspect_ratio=[0.75, 1.33], interpolation=["bilinear"], flip=0.5,
    distortion="none",
)  # type: ignore[call-arg]  # fmt: skip


def boxes(size, count=4):
    for i in range(count):
        yield random_box(size, (0.02, 0.9), (0.5, 2.0), generator(7, i))


def check(data):
    size = size_of_plain_jpeg(data)
    whole = by_pillow(data, "a")
    for left, top, right, bottom in boxes(size):
        found = decode_crop(data, (left, top, right, bottom))
        assert found is not None
        assert np.array_equal(found, whole[top:bottom, left:right])
        assert found.flags.writeable


@needs_codec
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(64, 48), (61, 37), (17, 16)])
def test_a_crop_has_the_bits_of_the_whole_image(layout, size, tmp_path):
    smooth(5, size).save(tmp_path / "a.jpg", **LAYOUTS[layout])
    check((tmp_path / "a.jpg").read_bytes())


@needs_codec
@pytest.mark.parametrize("kind", UPRIGHT)
def test_a_crop_is_not_turned(kind, tmp_path):
    UPRIGHT[kind](smooth(5), tmp_path / "a.jpg")
    check((tmp_path / "a.jpg").read_bytes())


@needs_codec
def test_a_crop_of_a_grey_image_has_three_channels(tmp_path):
    smooth(5).convert("L").save(tmp_path / "a.jpg")
    check((tmp_path / "a.jpg").read_bytes())


@needs_codec
def test_crops_of_photographs_have_the_bits_of_the_whole_images():
    for path in sorted(shared_data("imagenet_sample").glob("*/*"))[::4]:
        if size_of_plain_jpeg(path.read_bytes()):
            check(path.read_bytes())


@needs_codec
@pytest.mark.parametrize("cut", [0.3, 0.7, 0.99])
def test_a_cut_file_is_refused_whatever_the_crop(cut, tmp_path):
    smooth(5, (200, 200)).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    part = data[: int(cut * len(data))]
    assert decode_crop(part, (0, 0, 8, 8)) is None
    with pytest.raises(DataError, match=r"image a cannot be read: image file is truncated"):
        PlainJpeg(part, "a", (200, 200)).crop((0, 0, 8, 8))


@needs_codec
def test_what_it_cannot_decode_is_left_to_the_whole_decoder(tmp_path):
    assert decode_crop(b"no image \xff\xd9", (0, 0, 8, 8)) is None


@needs_codec
def test_a_forked_process_has_a_decoder_of_its_own(tmp_path):
    smooth(5, (64, 48)).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    assert decode_crop(data, (3, 4, 40, 30)) is not None
    child = os.fork()
    if child == 0:
        os._exit(decode_crop(data, (3, 4, 40, 30)) is None)
    assert os.waitpid(child, 0)[1] == 0


def opened(root):
    views = Views(24, CROP.transform(24), CentreCrop(24, 1.0))
    source = settings(root)
    return source.open(source.index(False), views, 3).train


@pytest.mark.parametrize("workers", [0, 2])
def test_training_images_are_the_same_with_and_without_it(workers, tmp_path, monkeypatch):
    """Without the package, that it is missing is no error."""
    for split in ("train", "val"):
        fill(tmp_path / split, suffix=".jpg")
    with_it = next(Loader(workers).training(opened(tmp_path), 12, 3, range(1)))
    monkeypatch.setattr(crop_decoder, "is_installed", lambda: False)
    without = next(Loader(workers).training(opened(tmp_path), 12, 3, range(1)))
    assert np.array_equal(with_it.images_NCHW, without.images_NCHW)


def test_a_library_that_does_not_work_is_said_once(tmp_path, monkeypatch, capsys):
    """Images are then decoded whole."""
    fill(tmp_path / "train", suffix=".jpg"), fill(tmp_path / "val", suffix=".jpg")
    monkeypatch.setattr(crop_decoder, "is_installed", lambda: True)
    monkeypatch.setitem(__import__("sys").modules, "nvidia", None)
    crop_decoder._codec.cache_clear()
    images = opened(tmp_path)
    for index in range(3):
        assert images.image(0, index).shape == (24, 24, 3)
    assert capsys.readouterr().err.count("nvidia-nvimgcodec-cu13 cannot be used: ") == 1
    crop_decoder._codec.cache_clear()
    assert read_image(images.files, 0).size == (48, 48)
