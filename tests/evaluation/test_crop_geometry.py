"""Which part of an image each view shows, read off an image of numbered cells; and crops cut one by one by Pillow.

The expected rectangles are written out here in fractions of a pixel, as the papers describe the crops.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from support.shared_data import shared_data

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.decode import decode
from inceptionctl.evaluation.crops import Crop, scaled, three_squares, with_shorter_side

CELLS = {
    (480, 360): (24, 18),
    (360, 480): (18, 24),
    (240, 240): (24, 24),
    (6, 4): (6, 4),
    (3, 5): (3, 5),
    (1, 1): (1, 1),
}
PIXELS = (224, 299, 79)


@cache
def protocol(*overrides):
    return parse(compose("train", list(overrides))).protocol


def step(size):
    """Of red from a cell to the one right of it, and of green to the one below."""
    return 250 // max(CELLS[size])


def numbered(size):
    """An image of cells, each of one colour that says its column and row."""
    (width, height), (columns, rows) = size, CELLS[size]
    cells = np.zeros((rows, columns, 3), np.uint8)
    cells[..., 0], cells[..., 1] = step(size) * np.arange(columns), step(size) * np.arange(rows)[:, None]
    return Image.fromarray(cells.repeat(height // rows, 0).repeat(width // columns, 1))


def assert_shows(view, size, rectangle, slack):
    """Each pixel of `view` has the colour of the cell that lies there if the view shows `rectangle` of the image, give
    or take `slack` pixels of the image."""
    left, top, right, bottom = rectangle
    for axis, channel, start, end in ((0, 0, left, right), (1, 1, top, bottom)):
        side, cells = size[axis], CELLS[size][axis]
        places = start + (np.arange(len(view)) + 0.5) * (end - start) / len(view)
        low, high = (np.clip((places + d) * cells / side, 0, cells - 1).astype(int) for d in (-slack, slack))
        found = np.rint(view[..., channel] / step(size)).astype(int)
        found = found if axis == 0 else found.T
        assert ((low <= found) & (found <= high)).all(), f"{'xy'[axis]} of {rectangle}"


def six_of(x, y, side, pixels):
    """Corners, centre and whole of a square at (x, y)."""
    far, middle = side - pixels, (side - pixels) / 2
    starts = [(0, 0), (far, 0), (0, far), (far, far), (middle, middle)]
    return [*((x + dx, y + dy, pixels) for dx, dy in starts), (x, y, side)]


def squares_of(size, side):
    """Places of three squares of an image that is resized to a shorter side of `side`."""
    width, height = (length * side / min(size) for length in size)
    return [((width - side) * t, (height - side) * t) for t in (0, 0.5, 1)]


def on_original(size, side, squares, stretched=False):
    """(x, y, side) of squares of the resized image, as rectangles of the image."""
    across, down = (side / length if stretched else side / min(size) for length in size)
    return [(x / across, y / down, (x + s) / across, (y + s) / down) for x, y, s in squares]


def googlenet(size, pixels, sides):
    for side in sides:
        for x, y in squares_of(size, side):
            yield from on_original(size, side, six_of(x, y, side, pixels))


def corners_of_image(size, pixels, side):
    width, height = (length * side / min(size) for length in size)
    starts = [(0, 0), (1, 0), (0, 1), (1, 1), (0.5, 0.5)]
    return on_original(size, side, [((width - pixels) * x, (height - pixels) * y, pixels) for x, y in starts])


def middle(size, width, height):
    x, y = (size[0] - width) / 2, (size[1] - height) / 2
    return [(x, y, x + width, y + height)]


def centre_of(size, pixels, side):
    share = pixels / side
    return middle(size, share * min(size), share * min(size))


# Shorter sides by the network's input, worked out by hand from 256, 288, 320, 352 times the input / 224.
SIDES = {224: (256, 288, 320, 352), 299: (342, 384, 427, 470), 79: (90, 102, 113, 124)}
TIMM = ("protocol=timm", "protocol.interpolation=bilinear")  # bicubic values overshoot
SQUEEZED = ("protocol=crops12", "protocol.reading=squeezed")
SCALES = ("protocol=crops12", "protocol.reading=scales_and_squares")
KRIZHEVSKY = ("protocol=crops10", "protocol.corners=centre_square")
EXPECTED = {
    ("protocol=single",): lambda size, p: middle(size, 0.875 * min(size), 0.875 * min(size)),
    ("protocol=flip",): lambda size, p: middle(size, 0.875 * min(size), 0.875 * min(size)),
    ("protocol=whole",): lambda size, p: middle(size, min(size), min(size)),
    ("protocol=slim",): lambda size, p: middle(size, *(n - 2 * (n // 16) for n in size)),
    ("protocol=torchvision",): lambda size, p: centre_of(size, p, SIDES[p][0]),
    TIMM: lambda size, p: centre_of(size, p, {224: 256, 299: 341, 79: 90}[p]),
    ("protocol=squeezed",): lambda size, p: middle(size, *(n * p / SIDES[p][0] for n in size)),
    ("protocol=crops10",): lambda size, p: corners_of_image(size, p, SIDES[p][0]),
    KRIZHEVSKY: lambda size, p: list(googlenet(size, p, SIDES[p][:1]))[6:11],
    ("protocol=crops12",): lambda size, p: list(googlenet(size, p, SIDES[p][:1]))[6:12],
    SQUEEZED: lambda size, p: on_original(size, SIDES[p][0], six_of(0, 0, SIDES[p][0], p), stretched=True),
    SCALES: lambda size, p: list(googlenet(size, p, SIDES[p]))[4::6],
    ("protocol=crops144",): lambda size, p: list(googlenet(size, p, SIDES[p])),
}


@pytest.mark.parametrize("pixels", PIXELS)
@pytest.mark.parametrize("size", CELLS, ids=str)
@pytest.mark.parametrize("overrides", EXPECTED, ids=" ".join)
def test_views_show_the_part_of_the_image_that_the_paper_says(overrides, size, pixels):
    """Landscape, portrait, square and tiny."""
    settings = protocol(*overrides)
    views = settings.transform(pixels)(numbered(size), np.random.default_rng(0))
    views = views if views.ndim == 4 else views[None]
    rectangles = EXPECTED[overrides](size, pixels)
    assert len(views) == len(rectangles) == settings.num_crops
    coarser = max(1, min(size) / pixels)  # pixels of the image that one of the resized image covers
    slack = 1.6 * coarser if min(size) > pixels // 4 else 1.6 * min(size) / pixels
    for view, rectangle in zip(views, rectangles, strict=True):
        assert_shows(view, size, rectangle, slack)


@pytest.mark.parametrize("pixels", [224, 299, 235, 320])
def test_the_public_script_s_scales(pixels):
    sides = {224: (256, 288, 320, 352), 299: (320, 352, 384, 416), 235: (270, 300, 330, 360), 320: (352, 384, 416, 448)}
    settings, size = protocol("protocol=crops144", "protocol.scales=public_script"), (480, 360)
    views = settings.transform(pixels)(numbered(size), np.random.default_rng(0))
    for view, rectangle in zip(views, googlenet(size, pixels, sides[pixels]), strict=True):
        assert_shows(view, size, rectangle, 2.5)


def test_the_reading_off_finds_a_view_that_is_a_few_pixels_off():
    settings, size = protocol("protocol=torchvision"), (480, 360)
    view = settings.transform(224)(numbered(size), np.random.default_rng(0))
    ((left, top, right, bottom),) = centre_of(size, 224, 256)
    with pytest.raises(AssertionError, match="x of"):
        assert_shows(view, size, (left + 6, top, right + 6, bottom), 2.5)
    with pytest.raises(AssertionError, match="y of"):
        assert_shows(view, size, (left, top, right, bottom + 12), 2.5)
    with pytest.raises(AssertionError, match="x of"):
        assert_shows(view[:, ::-1], size, (left, top, right, bottom), 2.5)


def cut_one_by_one(image, pixels, sides):
    """GoogLeNet's 72 crops by a loop that a reader of the paper would write, each from the image anew."""
    for side in sides:
        width, height = with_shorter_side(image.size, side)
        resized = image.resize((width, height), Image.Resampling.BILINEAR)
        for t in (0, 1, 2):
            x, y = (round((length - side) * t / 2) for length in (width, height))
            far, middle = side - pixels, round((side - pixels) / 2)
            for dx, dy in ((0, 0), (far, 0), (0, far), (far, far), (middle, middle)):
                yield np.asarray(resized.crop((x + dx, y + dy, x + dx + pixels, y + dy + pixels)))
            yield np.asarray(
                resized.crop((x, y, x + side, y + side)).resize((pixels, pixels), Image.Resampling.BILINEAR)
            )


def assert_cut_one_by_one(image, pixels):
    """The whole of a square is resized where it lies: its edge sees what is beside it, and values are rounded once."""
    views = protocol("protocol=crops144").transform(pixels)(image, np.random.default_rng(0))
    for i, expected in enumerate(cut_one_by_one(image, pixels, SIDES[pixels])):
        off = np.abs(views[i].astype(int) - expected)
        assert (off[2:-2, 2:-2] if i % 6 == 5 else off).max() <= (1 if i % 6 == 5 else 0), i


@pytest.mark.parametrize("size", [(500, 375), (375, 501), (64, 64), (9, 7)], ids=str)
def test_the_144_crops_are_those_that_are_cut_one_by_one(size):
    noise = np.random.default_rng(0).integers(0, 256, (*reversed(size), 3), dtype=np.uint8)
    assert_cut_one_by_one(Image.fromarray(noise), 224)


def test_the_144_crops_of_photographs_are_those_that_are_cut_one_by_one():
    for path in sorted(shared_data("imagenet_sample").rglob("*.JPEG"))[::80]:
        assert_cut_one_by_one(decode(path), 299)


def test_crops_that_coincide_count_each():
    """The three squares of a square image; and at its own size, nothing is resized."""
    crops = protocol("protocol=crops144").crops((256, 256), 224)
    views = protocol("protocol=crops144").transform(224)(numbered((240, 240)), np.random.default_rng(0))
    assert len(crops) == len(views) == 72
    assert len(set(crops)) == 72 / 3
    squares = views.reshape(4, 3, 6, 224, 224, 3)
    assert np.array_equal(squares[:, 0], squares[:, 1])
    assert np.array_equal(squares[:, 0], squares[:, 2])


@pytest.mark.parametrize(("size", "names"), [((9, 4), "left centre right"), ((4, 9), "top centre bottom")])
def test_squares_and_crops_are_called_what_they_are(size, names):
    squares = three_squares(size)
    assert list(squares) == names.split()
    assert [box for a, b in pairwise(squares.values()) for box in (a, b) if box[2] - box[0] != box[3] - box[1]] == []
    crops = protocol("protocol=crops144").crops(size, 224)[:6]
    assert [crop.part for crop in crops] == ["top left", "top right", "bottom left", "bottom right", "centre", "whole"]
    assert {crop.square for crop in crops} == {names.split()[0]}


def test_on_the_original_a_crop_is_as_large_as_it_was_before_the_resize():
    crop = Crop((512, 256), (16, 8, 240, 232))
    assert crop.on_original((1024, 1024)) == (32, 32, 480, 928)
    assert Crop(None, (0.5, 0, 8.5, 8)).on_original((9, 9)) == (0.5, 0, 8.5, 8)


def test_sizes_keep_the_aspect_and_round_as_the_libraries_do():
    assert with_shorter_side((500, 375), 256) == (341, 256)
    assert with_shorter_side((375, 500), 256) == (256, 341)
    assert with_shorter_side((1, 1), 256) == (256, 256)
    assert [scaled(256, pixels) for pixels in (224, 299, 79, 1)] == [256, 342, 90, 1]
