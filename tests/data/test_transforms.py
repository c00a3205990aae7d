"""Crops and colours against Pillow, colorsys and torchvision; every draw comes from the generator given."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torchvision.transforms.functional import adjust_hue

from inceptionctl.config.compose import groups
from inceptionctl.data import colour
from inceptionctl.data.colour import FAST, FULL
from inceptionctl.data.order import generator
from inceptionctl.data.transforms import AUGMENTATIONS, METHODS, _random_box


@pytest.fixture(scope="module")
def picture():
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
    deltas = [colour.brightness(grey, random)[0, 0, 0] - 0.5 for _ in range(2000)]
    factors = [1 - colour.saturation(red, random)[1, 0, 0] / 0.6 for _ in range(2000)]
    turns = [colorsys.rgb_to_hsv(*colour.hue(red, random)[:, 0, 0])[0] for _ in range(2000)]
    lefts = [0.5 - colour.contrast(np.array([[[0.0, 1.0]]]), random)[0, 0, 0] for _ in range(2000)]
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
    b, s, h, c = colour.brightness, colour.saturation, colour.hue, colour.contrast
    assert set(FAST) == {(b, s), (s, b)}
    assert [FAST.count((b, s)), FAST.count((s, b))] == [1, 3]
    assert [*FULL] == [(b, s, h, c), (s, b, c, h), (c, h, b, s), (h, s, c, b)]


@pytest.mark.parametrize(("least", "lowest"), [(0.08, 0.1), (0.05, 0.07)])
def test_crops_have_the_papers_areas_and_shapes(least, lowest):
    random = generator(0, 0)
    boxes = np.array([_random_box(400, 300, least, random) for _ in range(2000)])
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    areas, ratios = widths * heights / (400 * 300), widths / heights
    assert least <= areas.min() < lowest
    assert areas.max() > 0.9
    assert 3 / 4 - 1e-9 <= ratios.min() < 0.78
    assert 1.3 < ratios.max() <= 4 / 3 + 1e-9
    assert boxes.min() >= 0
    assert boxes[:, 2].max() <= 400


def test_the_plain_crop_draws_nothing_more_than_box_and_mirror(picture):
    """Written out: the bits of runs made before there were colours."""
    for i in range(20):
        random = generator(0, i)
        area, ratio = random.uniform(0.08, 1) * 120 * 90, math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = math.sqrt(area * ratio), math.sqrt(area / ratio)
        if w > 120 or h > 90:
            continue
        left, top = random.uniform(0, 120 - w), random.uniform(0, 90 - h)
        expected = picture.resize((32, 32), Image.Resampling.BILINEAR, box=(left, top, left + w, top + h))
        expected = ImageOps.mirror(expected) if random.random() < 0.5 else expected
        assert AUGMENTATIONS["inception_crop"](32)(picture, generator(0, i)).tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", ["googlenet", "googlenet_milder", "slim", "slim_full"])
def test_colours_are_applied_in_the_drawn_order_to_the_crop(picture, name):
    made = AUGMENTATIONS[name](24)
    seen = set()
    for i in range(60):
        random = generator(1, i)
        box = _random_box(120, 90, made.least, random)
        method = random.choice(len(made.methods)) if len(made.methods) > 1 else 0
        plain = picture.resize((24, 24), made.methods[method], box=box)
        plain = ImageOps.mirror(plain) if random.random() < 0.5 else plain
        order = int(random.integers(4))
        planes = np.asarray(plain).transpose(2, 0, 1) / 255
        for distort in made.orders[order]:
            planes = distort(planes, random)
        found = np.asarray(made(picture, generator(1, i))).transpose(2, 0, 1)
        assert np.abs(found - planes.clip(0, 1) * 255).max() < 0.51
        seen.add((method, order))
    assert {method for method, _ in seen} == set(range(len(made.methods)))
    assert {order for _, order in seen} == {0, 1, 2, 3}


def test_names_and_kinds_are_those_of_the_configuration():
    assert sorted([*AUGMENTATIONS, "none"]) == groups("train")["augment"]
    kinds = {name: made(8) for name, made in AUGMENTATIONS.items() if name != "crop_flip"}
    assert {name for name, kind in kinds.items() if kind.least == 0.05} == {"slim", "slim_full"}
    assert {name for name, kind in kinds.items() if kind.methods == METHODS} == {*kinds} - {"inception_crop", "slim"}
    assert {name for name, kind in kinds.items() if kind.orders == FAST} == {"slim", "googlenet_milder"}
    assert {name for name, kind in kinds.items() if not kind.orders} == {"inception_crop"}
