"""Augmentation on the device (here the CPU): Pillow's resizing, the colours of the workers, and whole batches."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import PIL
import pytest
import torch
from PIL import Image, ImageOps
from support.image_folders import fill, settings, smooth

from inceptionctl.config.compose import compose, groups
from inceptionctl.config.validate import parse
from inceptionctl.data import colour
from inceptionctl.data.device.colour import distorted
from inceptionctl.data.device.resample import resized
from inceptionctl.data.images import IGNORED, Views
from inceptionctl.data.loader import Loader
from inceptionctl.data.order import generator
from inceptionctl.data.resize import resize
from inceptionctl.data.transforms import DISTORTIONS, CentreCrop
from inceptionctl.data.variation import Variation

CPU = torch.device("cpu")
SIDE = 32
PILLOW = {
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
    "nearest": Image.Resampling.NEAREST,
    "bicubic": Image.Resampling.BICUBIC,
}
PILLOW_13 = int(PIL.__version__.split(".")[0]) >= 13  # which resizes tall images in another order of its two passes
SIZES = [(20, 31), (90, 70), (64, 200), (32, 32), (1, 5), (301, 17)]  # (height, width)


def noise(size, seed=0):
    """Values from 0 to 255 beside each other: the hardest to filter."""
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def on_device(pixels, variation, side=SIDE):
    return resized([torch.from_numpy(pixels)], [variation], side)[0].permute(1, 2, 0).numpy()


def apart(found, expected):
    return np.abs(np.asarray(found).astype(int) - np.asarray(expected).astype(int))


@pytest.mark.parametrize("method", PILLOW)
@pytest.mark.parametrize("size", SIZES)
def test_an_image_is_resized_as_pillow_resizes_it(method, size):
    pixels = noise(size)
    box = (0, 0, size[1], size[0])
    most = {"nearest": 0, "bicubic": 1 if PILLOW_13 else 20}.get(method, 1)
    for mirrored in (False, True):
        image = ImageOps.mirror(Image.fromarray(pixels)) if mirrored else Image.fromarray(pixels)
        expected = image.resize((SIDE, SIDE), PILLOW[method])
        assert apart(on_device(pixels, Variation(box, method, mirrored)), expected).max() <= most


def test_a_part_that_begins_between_pixels_is_resized_as_pillow_resizes_it():
    pixels = noise((70, 91))
    for window in [(10.5, 0.0, 80.5, 70.0), (0.25, 1.75, 12.0, 9.5)]:
        expected = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=window)
        found = on_device(pixels, Variation((0, 0, 91, 70), "bilinear", window=window))
        assert apart(found, expected).max() <= 1


def test_a_pixel_is_chosen_as_pillow_chooses_it_at_every_size():
    """Where two are equally near, the sum of its steps decides."""
    for width in range(1, 130):
        row = np.repeat(np.arange(width, dtype=np.uint8)[None, :, None], 3, axis=2)
        expected = Image.fromarray(row).resize((SIDE, SIDE), Image.Resampling.NEAREST)
        assert np.array_equal(on_device(row, Variation((0, 0, width, 1), "nearest")), expected)


def test_bilinear_values_are_those_of_the_workers_to_within_2():
    for size in SIZES:
        box = (0, 0, size[1], size[0])
        found, expected = on_device(noise(size), Variation(box, "bilinear")), resize(noise(size), SIDE, "bilinear")
        assert apart(found, expected).max() <= 2


@pytest.mark.parametrize("kind", ["fast", "full"])
def test_colours_are_those_of_the_workers(kind):
    """Of greys, primary colours and noise, each image by its own amounts, all orders in one batch."""
    random = generator(0, 0)
    images, drawn = [], []
    for order in sorted(DISTORTIONS[kind], key=lambda order: [one.name for one in order]):
        for seed in range(5):
            pixels = noise((24, 24), seed)
            pixels[:8] = pixels[:8, :, :1]
            pixels[8:12] = np.where(pixels[8:12] > 127, 255, 0)
            images.append(pixels)
            drawn.append(tuple((one.name, one.draw(random)) for one in order))
    batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).to(torch.float32)
    found = distorted(batch, drawn).permute(0, 2, 3, 1).numpy()
    for image, amounts, values in zip(images, drawn, found, strict=True):
        difference = apart(values, colour.distorted(image, amounts))
        assert difference.max() <= 1
        assert difference.mean() < 0.01


def test_the_mean_of_an_image_does_not_depend_on_the_images_beside_it():
    batch = torch.from_numpy(np.stack([noise((61, 61), seed) for seed in range(7)])).permute(0, 3, 1, 2).float()
    drawn = [(("contrast", 0.5 + seed / 7),) for seed in range(7)]
    together = distorted(batch, drawn)
    for i in range(7):
        assert torch.equal(distorted(batch[i : i + 1], drawn[i : i + 1])[0], together[i])


@cache
def augment(option):
    """What conf/augment says."""
    return parse(compose("train", [f"augment={option}"])).augment


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Photograph-like images of several sizes."""
    root = tmp_path_factory.mktemp("images")
    for split in ("train", "val"):
        fill(root / split, count=4, suffix=".jpg")
    for i, size in enumerate([(90, 61), (33, 200), (40, 30)]):
        smooth(i, size).save(root / "train" / "bee" / f"{i:02d}.jpg")
    return root


def batch_of(root, option, workers=0, on_device=True, side=SIDE, **changed):
    views = augment(option).crop(side) if on_device else augment(option).transform(side)
    source = settings(root, **changed)
    images = source.open(source.index(False), Views(side, views, CentreCrop(side, 1.0)), 3).train
    return next(Loader(workers).training(images, 12, 3, range(1)))


@pytest.mark.parametrize("option", sorted(groups("train")["augment"]))
def test_a_batch_has_the_images_that_the_workers_would_have_made(option, folder):
    crops, made = batch_of(folder, option), batch_of(folder, option, on_device=False)
    found = crops.images(CPU)
    assert (found.dtype, found.shape) == (torch.uint8, made.images_NCHW.shape)
    assert torch.equal(crops.labels_N, made.labels_N)
    difference = apart(found, made.images_NCHW)
    assert np.quantile(difference, 0.999) <= 2  # a hue near grey turns by more
    assert difference.mean() < 0.1


@pytest.mark.parametrize("option", ["crop_flip", "slim_full"])
def test_crops_are_the_same_for_any_number_of_workers(option, folder):
    alone, shared = (batch_of(folder, option, workers) for workers in (0, 2))
    assert torch.equal(alone.content, shared.content)
    assert (alone.variations, alone.parts) == (shared.variations, shared.parts)
    assert torch.equal(alone.images(CPU), shared.images(CPU))


def test_an_image_does_not_depend_on_the_images_beside_it(folder):
    batch = batch_of(folder, "slim_full")
    together, begin = batch.images(CPU), 0
    for i, part in enumerate(batch.parts):
        end = begin + part.length
        alone = replace(batch, content=batch.content[begin:end], parts=(part,), variations=batch.variations[i : i + 1])
        assert torch.equal(alone.images(CPU)[0], together[i])
        begin = end


@pytest.mark.parametrize("policy", ["skip", "replace"])
def test_an_unreadable_image_is_replaced(policy, folder, tmp_path):
    for split in ("train", "val"):
        fill(tmp_path / split, count=4, suffix=".jpg")
    (tmp_path / "train" / "ant" / "01.jpg").write_bytes(b"no image")
    crops, made = (batch_of(tmp_path, "slim", on_device=where, on_corrupt=policy) for where in (True, False))
    assert crops.unreadable == made.unreadable == (1,)
    assert torch.equal(crops.labels_N, made.labels_N)
    grey = (crops.images(CPU) == 128).flatten(1).all(1)
    assert torch.equal(grey, (made.images_NCHW == 128).flatten(1).all(1))
    assert torch.equal(grey, crops.labels_N == IGNORED)
    assert grey.sum() == (policy == "skip")
