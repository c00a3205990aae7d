"""Crops and colours against Pillow, colorsys and torchvision; every draw comes from the generator given."""

from __future__ import annotations

import colorsys
import hashlib
import math
from functools import cache

import numpy as np
import PIL
import pytest
import torch
from PIL import Image, ImageOps
from torchvision.transforms.functional import adjust_hue, hflip, resized_crop

from inceptionctl.config.compose import compose, groups
from inceptionctl.config.validate import parse
from inceptionctl.data import colour
from inceptionctl.data.colour import BRIGHTNESS, BY_NAME, CONTRAST, FAST, FULL, HUE, SATURATION
from inceptionctl.data.lazy_image import DecodedImage
from inceptionctl.data.order import generator
from inceptionctl.data.resize import resize, resizer
from inceptionctl.data.transforms import AUGMENTATIONS, DISTORTIONS, random_box

RATIOS = (3 / 4, 4 / 3)
PILLOW = {
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
    "nearest": Image.Resampling.NEAREST,
    "bicubic": Image.Resampling.BICUBIC,
}


@cache
def augment(option):
    """What conf/augment says."""
    return parse(compose("train", [f"augment={option}"])).augment


@pytest.fixture(scope="module")
def image():
    """Smooth and colourful, so that a method, a hue and an order each leave a trace."""
    y, x = np.mgrid[0:90, 0:120] / 30
    planes = [np.sin(x + y), np.cos(2 * x), np.sin(3 * y)]
    return Image.fromarray(((np.stack(planes, 2) + 1) * 127).astype(np.uint8))


@pytest.fixture(scope="module")
def planes():
    """(3, 20, 30), with greys, blacks and primary colours among them."""
    values = np.random.default_rng(0).random((3, 20, 30))
    values[:, 0] = values[0, 0]
    values[:, 1, :4] = np.array([[0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1]])
    return values


def by_pixel(change, planes):
    """`change` of (hue, saturation, value) at every pixel, by the standard library."""
    pixels = planes.reshape(3, -1).T
    changed = [colorsys.hsv_to_rgb(*change(*colorsys.rgb_to_hsv(*pixel))) for pixel in pixels]
    return np.array(changed).T.reshape(planes.shape)


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 1.5, 4.0])
def test_saturation_is_scaled_in_hsv(planes, factor):
    expected = by_pixel(lambda h, s, v: (h, min(1.0, factor * s), v), planes)
    assert np.abs(colour.saturated(planes, factor) - expected).max() < 1e-12


@pytest.mark.parametrize("turn", [-0.2, -0.01, 0.0, 0.1, 0.2, 0.5])
def test_hue_is_shifted_in_hsv(planes, turn):
    shifted = colour.hue_shifted(planes, turn)
    assert np.abs(shifted - by_pixel(lambda h, s, v: ((h + turn) % 1, s, v), planes)).max() < 1e-12
    assert np.abs(shifted - adjust_hue(torch.tensor(planes), turn).numpy()).max() < 1e-6


def test_contrast_and_brightness_follow_their_definitions(planes):
    spread = colour.contrasted(planes, 1.5)
    assert np.abs(spread.mean((1, 2)) - planes.mean((1, 2))).max() < 1e-12
    assert np.abs(spread.std((1, 2)) / planes.std((1, 2)) - 1.5).max() < 1e-12
    assert np.abs(colour.brightened(planes, -0.1) + 0.1 - planes).max() < 1e-12


def test_colours_out_of_range_stay_finite(planes):
    dark = planes - 0.5
    assert np.isfinite(colour.saturated(dark, 1.5)).all()
    assert np.isfinite(colour.hue_shifted(dark, 0.2)).all()
    black = colour.saturated(np.full((3, 2, 2), -0.1), 1.5)
    assert (black == -0.1).all()


def test_draws_have_tf_slim_s_ranges():
    """TF-slim, distort_color: brightness by 32/255 to either side, hue by 0.2, saturation and contrast 0.5 to 1.5."""
    grey, red = np.full((3, 1, 1), 0.5), np.array([0.6, 0.3, 0.3]).reshape(3, 1, 1)
    random = generator(0, 0)

    def drawn(distortion, image):
        return [BY_NAME[distortion.name](image, distortion.draw(random)) for _ in range(2000)]

    deltas = [found[0, 0, 0] - 0.5 for found in drawn(BRIGHTNESS, grey)]
    factors = [1 - found[1, 0, 0] / 0.6 for found in drawn(SATURATION, red)]
    turns = [colorsys.rgb_to_hsv(*found[:, 0, 0])[0] for found in drawn(HUE, red)]
    lefts = [0.5 - found[0, 0, 0] for found in drawn(CONTRAST, np.array([[[0.0, 1.0]]]))]
    for draws, low, high in (
        (deltas, -32 / 255, 32 / 255),
        (factors, 0.25, 0.75),  # of a saturation of 0.5
        ([(turn + 0.5) % 1 - 0.5 for turn in turns], -0.2, 0.2),
        (lefts, 0.25, 0.75),
    ):
        margin = 0.01 * (high - low)
        assert low - 1e-9 <= min(draws) < low + margin
        assert high - margin < max(draws) <= high + 1e-9


def test_the_orders_are_tf_slim_s():
    b, s, h, c = BRIGHTNESS, SATURATION, HUE, CONTRAST
    assert set(FAST) == {(b, s), (s, b)}
    assert [FAST.count((b, s)), FAST.count((s, b))] == [1, 3]
    assert [*FULL] == [(b, s, h, c), (s, b, c, h), (c, h, b, s), (h, s, c, b)]


@pytest.mark.parametrize(("least", "lowest"), [(0.08, 0.1), (0.05, 0.07)])
def test_crops_have_the_papers_areas_and_shapes(least, lowest):
    random = generator(0, 0)
    boxes = np.array([random_box((400, 300), (least, 1.0), RATIOS, random) for _ in range(2000)])
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    areas, ratios = widths * heights / (400 * 300), widths / heights
    assert least - 0.002 <= areas.min() < lowest  # whole pixels: the smallest box is about 97 x 99
    assert areas.max() > 0.9
    assert 3 / 4 - 0.01 <= ratios.min() < 0.78
    assert 1.3 < ratios.max() <= 4 / 3 + 0.01
    assert boxes.min() == 0
    assert (boxes[:, 2].max(), boxes[:, 3].max()) == (400, 300)


def test_the_plain_crop_draws_nothing_more_than_box_and_mirror(image):
    """Written out, as torchvision's RandomResizedCrop draws a box; the pixels are torchvision's to within rounding."""
    plain, tried = augment("inception_crop").transform(32), 0
    for i in range(20):
        random = generator(0, i)
        area, ratio = random.uniform(0.08, 1) * 120 * 90, math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if w > 120 or h > 90:
            continue
        left, top = random.integers(0, 120 - w + 1), random.integers(0, 90 - h + 1)
        expected = resized_crop(image, top, left, h, w, [32, 32])
        expected = hflip(expected) if random.random() < 0.5 else expected
        assert difference(plain(lazy(image), generator(0, i)), expected) <= 2
        tried += 1
    assert tried > 10


def lazy(image):
    return DecodedImage(np.array(image))


def difference(found, expected):
    """The largest of any value."""
    return np.abs(np.asarray(found).astype(int) - np.asarray(expected)).max()


@pytest.mark.parametrize("interpolation", ["bilinear", "area", "nearest", "bicubic"])
@pytest.mark.parametrize("size", [(20, 30), (90, 70), (200, 333)])
def test_a_resized_image_is_pillow_s_to_within_rounding(interpolation, size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    expected = Image.fromarray(pixels).resize((64, 64), PILLOW[interpolation])
    assert difference(resize(pixels, 64, interpolation), expected) <= 2
    mirrored = ImageOps.mirror(Image.fromarray(pixels)).resize((64, 64), PILLOW[interpolation])
    assert difference(resize(pixels, 64, interpolation, mirrored=True), mirrored) <= 2


def test_a_result_states_what_resized_training_images():
    torchs = f"torch {torch.__version__} (bilinear; uint8, antialiased, {torch.backends.cpu.get_cpu_capability()})"
    pillows = f"pillow {PIL.__version__}"
    of = {option: resizer(augment(option).resize_methods) for option in ("inception_crop", "crop_flip", "none")}
    assert of["inception_crop"] == of["crop_flip"] == torchs
    assert of["none"] == f"{pillows} (bilinear)"
    assert resizer(["nearest", "bilinear", "bicubic"]) == f"{torchs}, {pillows} (nearest, bicubic)"
    assert resizer(["area"]) == f"{pillows} (area)"


@pytest.mark.parametrize("name", ["googlenet", "googlenet_milder", "slim", "slim_full"])
def test_colours_are_applied_in_the_drawn_order_to_the_crop(image, name):
    settings, seen = augment(name), set()
    methods, orders = settings.interpolation, DISTORTIONS[settings.distortion]
    for i in range(60):
        random = generator(1, i)
        left, top, right, bottom = random_box((120, 90), settings.area, settings.aspect_ratio, random)
        method = random.choice(len(methods)) if len(methods) > 1 else 0
        crop = np.array(image)[top:bottom, left:right]
        plain = resize(crop, 24, methods[method], mirrored=random.random() < 0.5)
        order = int(random.integers(4))
        planes = plain.transpose(2, 0, 1) / 255
        for distortion in orders[order]:
            planes = BY_NAME[distortion.name](planes, distortion.draw(random))
        found = settings.transform(24)(lazy(image), generator(1, i)).transpose(2, 0, 1)
        assert np.abs(found - planes.clip(0, 1) * 255).max() < 0.51
        seen.add((method, order))
    assert {method for method, _ in seen} == set(range(len(methods)))
    assert {order for _, order in seen} == {0, 1, 2, 3}


def test_the_box_of_a_long_image_is_the_largest_of_an_allowed_shape():
    """No try fits."""
    for height in range(1, 400):
        left, top, right, bottom = random_box((100 * height, height), (1.0, 1.0), RATIOS, generator(0, 0))
        assert (top, bottom, right - left) == (0, height, max(1, round(height * 4 / 3)))
        assert abs((left + right) / 2 - 50 * height) <= 0.5


VALUES = {  # area, resize methods, distortion
    "inception_crop": (0.08, 1, "none"),
    "googlenet": (0.08, 4, "full"),
    "googlenet_milder": (0.08, 4, "fast"),
    "slim": (0.05, 1, "fast"),
    "slim_full": (0.05, 4, "full"),
}


@pytest.mark.parametrize("name", VALUES)
def test_options_have_the_values_of_their_sources(name):
    settings = augment(name)
    assert (settings.area[0], len(settings.interpolation), settings.distortion) == VALUES[name]
    assert (settings.name, settings.area[1], settings.flip) == ("inception_crop", 1.0, 0.5)
    assert tuple(settings.aspect_ratio) == RATIOS
    assert settings.interpolation[0] == "bilinear"


def test_every_augmentation_has_an_option_of_its_name():
    assert sorted({*AUGMENTATIONS, *VALUES}) == groups("train")["augment"]
    assert {augment(name).name for name in AUGMENTATIONS} == {*AUGMENTATIONS}
    assert augment("crop_flip").padding == 1 / 8


@pytest.mark.parametrize("size", [(33, 40), (64, 64), (100, 17)])
def test_crop_flip_shifts_the_square_over_a_black_border(size):
    """Written out, with the border of an eighth in whole pixels."""
    image = Image.fromarray(np.random.default_rng(0).integers(1, 256, (*size[::-1], 3), dtype=np.uint8))
    for i in range(10):
        random, side = generator(2, i), min(size)
        x, y = random.integers(0, 2 * (side // 8) + 1, size=2)
        left, top = x + (size[0] - side) // 2, y + (size[1] - side) // 2
        framed = ImageOps.expand(image, side // 8).crop((left, top, left + side, top + side))
        expected = framed.resize((32, 32), Image.Resampling.BILINEAR)
        expected = ImageOps.mirror(expected) if random.random() < 0.5 else expected
        assert difference(augment("crop_flip").transform(32)(lazy(image), generator(2, i)), expected) <= 2


DRAWN = {  # of an image of 120 x 90 and one of 90 x 120: the first digits of a SHA-256 over what is drawn 100 times
    "none": "b7b7480a1172",
    "crop_flip": "eef9b592993b",
    "inception_crop": "5092fe012a40",
    "googlenet": "932496c4c753",
    "googlenet_milder": "0c745b6f8ffd",
    "slim": "3f309722c50d",
    "slim_full": "5f1d4b622ae9",
}


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_drawn_for_an_image_never_changes(name):
    """Runs that were interrupted before an update of this program go on with the same images after it."""
    settings, found = augment(name), hashlib.sha256()
    for i in range(100):
        for size in ((120, 90), (90, 120)):
            drawn = settings.draw(size, generator(5, i, i))
            amounts = [(one, round(amount, 12)) for one, amount in drawn.distortions]
            found.update(repr((drawn.box, drawn.interpolation, drawn.mirrored, amounts, drawn.window)).encode())
    assert found.hexdigest()[:12] == DRAWN[name]
