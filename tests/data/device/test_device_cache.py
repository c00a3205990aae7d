"""Training images that the rank holds on its device (`data.cache=device`), here the CPU: the bits are those of crops
that the workers cut out."""

from __future__ import annotations

import os

import pytest
import torch
from support.image_folders import fill, settings, smooth
from support.packed_images import pack_data_set, packed_settings

from inceptionctl.config.compose import compose, groups
from inceptionctl.config.validate import parse
from inceptionctl.data.decoded import cache as decoded_cache
from inceptionctl.data.decoded import store
from inceptionctl.data.decoded.pixel_file import PixelFile
from inceptionctl.data.device import cache as device_cache
from inceptionctl.data.device.cache import CachedImage, on_device
from inceptionctl.data.device.crops import Pixels
from inceptionctl.data.images import IGNORED, Views
from inceptionctl.data.loader import Loader
from inceptionctl.data.transforms import CentreCrop
from inceptionctl.errors import DataError, RequestError

CPU = torch.device("cpu")
SIDE = 32
ON_DEVICE = {"augment_on": "device", "cache": "device"}
RANKS = [(0, 1), (0, 2), (1, 2)]  # rank, world size
pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def folder(tmp_path):
    """12 images to train on, of several sizes."""
    root = tmp_path / "images"
    for split in ("train", "val"):
        fill(root / split, count=4, suffix=".jpg")
    for i, size in enumerate([(90, 61), (33, 200), (40, 30)]):
        smooth(i, size).save(root / "train" / "bee" / f"{i:02d}.jpg")
    return root


def opened(source, option="slim_full"):
    crop = parse(compose("train", [f"augment={option}"])).augment.crop(SIDE)
    return source.open(source.index(False), Views(SIDE, crop, CentreCrop(SIDE, 1.0)), 3)


def batches_of(images, workers=0, ranks=(0, 1), steps=1):
    return list(Loader(workers, rank=ranks[0], world_size=ranks[1]).training(images, 12, 3, range(steps)))


def kinds(batch):
    return [type(part) for part in batch.parts]


@pytest.mark.parametrize("option", sorted(groups("train")["augment"]))
def test_batches_have_the_bits_of_crops_that_the_workers_cut_out(option, folder, monkeypatch):
    monkeypatch.setattr(device_cache, "PIECE_BYTES", 3 * 48 * 48 + 1)  # several pieces, the last one not full
    cut, whole = (opened(settings(folder, **ON_DEVICE | how), option).train for how in ({"cache": "none"}, {}))
    for ranks in RANKS:
        for workers in (0, 2) if ranks == (0, 1) else (0,):
            for crops, here in zip(batches_of(cut, 0, ranks, 2), batches_of(whole, workers, ranks, 2), strict=True):
                assert set(kinds(crops)) == {Pixels}
                assert set(kinds(here)) == {CachedImage}
                assert len(here.content) == 0
                assert torch.equal(here.images(CPU), crops.images(CPU))
                assert torch.equal(here.labels_N, crops.labels_N)


def test_images_that_lie_there_as_pixels_are_held_too(folder, tmp_path):
    root = pack_data_set(settings(folder), tmp_path / "raw", "raw", 24)
    cut, whole = (opened(packed_settings(root, **ON_DEVICE | how)).train for how in ({"cache": "none"}, {}))
    (crops,), (here,) = batches_of(cut), batches_of(whole)
    assert set(kinds(here)) == {CachedImage}
    assert torch.equal(here.images(CPU), crops.images(CPU))


def test_images_are_copied_once_and_go_with_the_images(folder):
    before = len(device_cache.PIXELS)
    images = opened(settings(folder, **ON_DEVICE)).train
    assert len(device_cache.PIXELS) == before  # before the first batch
    for batch in batches_of(images, steps=3):
        batch.images(CPU)
    pixels_B = on_device(images.cached, CPU)
    assert pixels_B is on_device(images.cached, CPU)
    assert pixels_B.shape == (images.cached.file.size,)
    assert len(device_cache.PIXELS) == before + 1
    del images, batch
    assert len(device_cache.PIXELS) == before


def test_images_to_evaluate_on_are_those_in_memory(folder):
    on_device, in_memory = (opened(settings(folder, **ON_DEVICE | how)) for how in ({}, {"cache": "memory"}))
    for split in ("monitor", "eval"):
        one, other = getattr(on_device, split), getattr(in_memory, split)
        assert type(one.cached) is type(other.cached)
        assert (one.image(0, 1) == other.image(0, 1)).all()


@pytest.mark.parametrize("policy", ["skip", "replace"])
def test_an_unreadable_image_is_replaced(policy, folder):
    (folder / "train" / "ant" / "01.jpg").write_bytes(b"no image")
    how = {**ON_DEVICE, "on_corrupt": policy}
    (crops,), (here,) = (batches_of(opened(settings(folder, **how | {"cache": c})).train) for c in ("none", "device"))
    assert crops.unreadable == here.unreadable == (1,)
    assert kinds(here).count(Pixels) == (here.labels_N == IGNORED).sum() == (policy == "skip")
    assert torch.equal(here.labels_N, crops.labels_N)
    assert torch.equal(here.images(CPU), crops.images(CPU))


def test_an_unreadable_image_is_named(folder):
    (folder / "train" / "ant" / "01.jpg").write_bytes(b"no image")
    images = opened(settings(folder, **ON_DEVICE)).train
    with pytest.raises(DataError, match=r"ant/01\.jpg cannot be read.* set data\.on_corrupt=skip or replace"):
        batches_of(images)


def damage(cache, at=0):
    """A byte of every file of decoded images."""
    for path in cache.glob("*.pixels"):
        with path.open("r+b") as file:
            file.seek(at)
            value = file.read(1)[0]
            file.seek(at)
            file.write(bytes([value ^ 1]))


def test_a_damaged_image_is_read_from_its_own_file(folder, cache, capsys):
    store._discard.cache_clear()
    images = opened(settings(folder, **ON_DEVICE)).train
    damage(cache)
    (crops,) = batches_of(opened(settings(folder, augment_on="device")).train)
    (here,) = batches_of(images)
    assert torch.equal(here.images(CPU), crops.images(CPU))
    assert "is damaged: pixels differ from their CRC-32" in capsys.readouterr().err


def test_a_damaged_image_whose_file_has_changed_ends_the_run(folder, cache):
    images = opened(settings(folder, **ON_DEVICE)).train
    damage(cache)
    path = folder / "train" / "ant" / "00.jpg"
    n_bytes = path.stat().st_size
    smooth(0, (20, 20)).save(path)
    os.truncate(path, n_bytes)  # as long as before: its size is compared with the index
    (here,) = batches_of(images)
    with pytest.raises(DataError, match=r"ant/00\.jpg has another size than when it was decoded"):
        here.images(CPU)


def test_too_little_memory_names_the_remedy(folder, monkeypatch):
    images = opened(settings(folder, **ON_DEVICE)).train
    (batch,) = batches_of(images)
    monkeypatch.setattr(PixelFile, "size", 1 << 60)
    with pytest.raises(DataError, match=r"which cpu does not have free\n  data\.cache=memory holds"):
        batch.images(CPU)


REFUSED = [
    ({"cache": "device"}, r"data\.cache=device needs data\.augment_on=device, not cpu: .*\n  data\.cache=memory holds"),
    ({**ON_DEVICE, "decode_on": "device"}, r"data\.decode_on=device needs data\.cache=auto, not device"),
]


@pytest.mark.parametrize(("changed", "message"), REFUSED, ids=["augment_on", "decode_on"])
def test_settings_that_do_not_go_with_it_are_refused(changed, message, folder):
    with pytest.raises(RequestError, match=message):
        settings(folder, **changed).index(False)


def test_what_does_not_fit_is_refused_with_its_size(folder, monkeypatch):
    monkeypatch.setattr(decoded_cache, "MOST_BYTES", 1000)
    with pytest.raises(
        RequestError, match=r"data\.cache=device: the decoded images need about 185 kB, .*\n  data\.cache=none"
    ):
        settings(folder, **ON_DEVICE).index(False)
