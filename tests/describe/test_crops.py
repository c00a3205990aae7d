"""Lists and drawings of the crops of one image."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageColor

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.describe.crops import draw_crops, list_crops
from inceptionctl.describe.drawing.crops import COLOURS, WIDTH
from inceptionctl.errors import DataError, RequestError
from inceptionctl.evaluation.protocols import PROTOCOLS


@cache
def protocol(*overrides):
    return parse(compose("train", list(overrides))).protocol


@pytest.fixture
def image(tmp_path):
    """Of one grey, 512 x 384."""
    path = tmp_path / "grey.png"
    Image.new("RGB", (512, 384), "#808080").save(path)
    return path


def test_the_table_has_a_line_for_each_crop_with_its_mirror_image(image):
    lines = list_crops(protocol("protocol=crops10"), image, 224).lines()
    assert lines[0].endswith("grey.png: 512 x 384 pixels")
    assert lines[1] == (
        "protocol=crops10 for an input of 224 x 224: 10 views, half of them mirror images; the mean of their softmax "
        "outputs"
    )
    rows = [line.split() for line in lines[4:]]
    assert [row[:3] for row in rows] == [[str(i), str(i + 5), "341x256"] for i in range(1, 6)]
    assert rows[0][4:] == ["top", "left", "0.0", "0.0", "336.3", "336.0"]
    assert rows[4][4:] == ["centre", "87.1", "24.0", "423.4", "360.0"]


def test_the_list_for_programs_has_every_view(image):
    found = json.loads(json.dumps(list_crops(protocol("protocol=crops144"), image, 299).as_json()))
    assert (found["schema"], found["protocol"], found["pixels"]) == (1, "crops144", 299)
    assert (found["width"], found["height"], found["averaging"]) == (512, 384, "softmax")
    views = found["views"]
    assert [view["number"] for view in views] == list(range(1, 145))
    assert [view["mirrored"] for view in views] == 72 * [False] + 72 * [True]
    assert [view["rectangle"] for view in views[72:]] == [view["rectangle"] for view in views[:72]]
    sizes = [view["resize"] for view in views[:72:18]]
    assert sizes == [[456, 342], [512, 384], [569, 427], [626, 470]]
    assert views[18 + 5] == {  # the image has this size already
        "number": 24, "mirrored": False, "resize": [512, 384], "square": "left", "part": "whole",
        "box": [0, 0, 384, 384], "rectangle": [0, 0, 384, 384],
    }  # fmt: skip


def test_a_single_view_is_called_that(image):
    found = list_crops(protocol("protocol=single"), image, 299)
    assert found.lines()[1] == "protocol=single for an input of 299 x 299: one view"
    (view,) = found.as_json()["views"]
    assert view == {
        "number": 1, "mirrored": False, "resize": None, "square": None, "part": "centre",
        "box": [88.0, 24.0, 424.0, 360.0], "rectangle": [88.0, 24.0, 424.0, 360.0],
    }  # fmt: skip


def test_the_image_is_upright(tmp_path):
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    Image.new("RGB", (40, 20)).save(path, exif=exif)
    assert list_crops(protocol("protocol=single"), path, 79).size == (20, 40)


@pytest.mark.parametrize("size", [(512, 384), (90, 160), (1, 1)], ids=str)
@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_is_drawn_for_an_image_of_any_shape(name, size, tmp_path):
    image, file = tmp_path / "image.png", tmp_path / "crops.png"
    Image.new("RGB", size, "#808080").save(image)
    draw_crops(protocol(f"protocol={name}"), image, 79, file)
    with Image.open(file) as drawn:
        assert drawn.format == "PNG"
        assert drawn.width <= WIDTH
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crops.png", "image.png"]


@pytest.mark.parametrize(("overrides", "colours"), [(("protocol=crops10",), 5), (("protocol=crops144",), 6)])
def test_each_crop_has_a_colour_of_its_own(overrides, colours, image, tmp_path):
    draw_crops(protocol(*overrides), image, 224, tmp_path / "crops.png")
    pixels = np.asarray(Image.open(tmp_path / "crops.png")).reshape(-1, 3)
    counts = [int((pixels == ImageColor.getrgb(colour)).all(1).sum()) for colour in COLOURS]
    assert min(counts[:colours]) > 500
    assert max(counts[colours:], default=0) == 0


def test_what_no_crop_shows_is_dimmed(image, tmp_path):
    """The left and right of the image, by a single crop of its middle; the view itself is not."""
    draw_crops(protocol("protocol=single"), image, 224, tmp_path / "crops.png")
    values = np.asarray(Image.open(tmp_path / "crops.png").convert("L"))
    bright, dim = (values == 128).sum(), (values == round(0.4 * 128)).sum()
    assert dim / (bright + dim) == pytest.approx(0.35, abs=0.08)


def test_what_cannot_be_listed_is_refused_by_name(image, tmp_path):
    with pytest.raises(DataError, match=r"missing\.jpg"):
        list_crops(protocol("protocol=single"), tmp_path / "missing.jpg", 224)
    with pytest.raises(RequestError, match=r"protocol\.resize = 200"):
        list_crops(protocol("protocol=torchvision", "protocol.resize=200"), image, 224)
    with pytest.raises(RequestError, match=r"protocol\.resize = 200"):
        draw_crops(protocol("protocol=torchvision", "protocol.resize=200"), image, 224, tmp_path / "crops.png")
    assert not (tmp_path / "crops.png").exists()
