"""Drawings: everything is on the page, nothing lies on anything else, and every filter count is there."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

import pytest

from inceptionctl.describe import notation
from inceptionctl.describe.drawing import page, svg
from inceptionctl.describe.drawing.module_types import module_types
from inceptionctl.describe.drawing.shapes import LINE, SIZE, Arrow, Box, Drawing, Plus, Text, text_width
from inceptionctl.describe.stages import alike, expand, merge_repeats
from inceptionctl.errors import RequestError
from inceptionctl.models.spec.nodes import Cat, Conv, Linear, Res, Sep, Seq, conv
from inceptionctl.models.spec.walk import leaves
from inceptionctl.models.zoo.registry import ARCHITECTURES, architecture, network

SVG = "{http://www.w3.org/2000/svg}"
TOUCH = 0.5  # pixels that lie on an edge


def drawn(name):
    return page.drawing(name, architecture(name).pixels)


def shapes(drawing, kind):
    return [shape for shape in drawing.shapes if isinstance(shape, kind)]


def boxes_of(spec):
    (module,) = module_types(expand(spec, 8))
    return shapes(page.figure(module, notation.BATCH_NORM_RELU), Box)


def area(shape):
    """Left, top, right, bottom."""
    if isinstance(shape, Box):
        return shape.x, shape.y, shape.x + shape.w, shape.y + shape.h
    if isinstance(shape, Plus):
        return shape.x - shape.r, shape.y - shape.r, shape.x + shape.r, shape.y + shape.r
    width = text_width(shape.text, shape.size, bold=shape.bold)
    left = shape.x - {"start": 0, "middle": width / 2, "end": width}[shape.anchor]
    return left, shape.y - 0.8 * shape.size, left + width, shape.y + 0.2 * shape.size


def overlap(a, b):
    return (
        min(a[2], b[2]) - max(a[0], b[0]) > TOUCH and min(a[3], b[3]) - max(a[1], b[1]) > TOUCH
    )  # fmt: skip


def segments(arrow):
    for (x, y), (u, v) in zip(arrow.points, arrow.points[1:], strict=False):
        yield min(x, u) - TOUCH, min(y, v) - TOUCH, max(x, u) + TOUCH, max(y, v) + TOUCH


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_svg_is_well_formed_and_everything_is_on_the_page(name):
    drawing = drawn(name)
    root = ElementTree.fromstring(svg.render(drawing))
    assert root.tag == f"{SVG}svg"
    assert len(root.findall(f"{SVG}rect")) == len(shapes(drawing, Box)) + 1  # and the paper
    assert drawing.width <= 960
    for shape in shapes(drawing, (Box, Text, Plus)):
        left, top, right, bottom = area(shape)
        assert left >= 0
        assert top >= 0
        assert (right <= drawing.width, bottom <= drawing.height) == (True, True), shape
    for rect in root.findall(f"{SVG}rect"):
        x, y, w, h = (float(rect.get(key, 0)) for key in ("x", "y", "width", "height"))
        assert x + w <= float(root.get("width")) + 0.01
        assert y + h <= float(root.get("height")) + 0.01


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_no_two_shapes_overlap(name):
    solid = shapes(drawn(name), (Box, Text, Plus))
    assert [(a, b) for a, b in combinations(solid, 2) if overlap(area(a), area(b))] == []


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_no_line_runs_through_a_box_or_a_word(name):
    drawing = drawn(name)
    for arrow in shapes(drawing, Arrow):
        for piece in segments(arrow):
            assert [s for s in shapes(drawing, (Box, Text)) if overlap(piece, _inner(s))] == []


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_text_fits_its_box_and_is_large_enough_to_read(name):
    drawing = drawn(name)
    for box in shapes(drawing, Box):
        assert max(text_width(line, bold=box.bold) for line in box.lines) <= box.w, box
        assert LINE * len(box.lines) <= box.h
    assert min(text.size for text in shapes(drawing, Text)) >= SIZE == 10


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_filter_count_of_every_module_is_drawn(name):
    drawing = drawn(name)
    written = {word.strip(",") for box in shapes(drawing, Box) for line in box.lines for word in line.split()}
    written |= {text.text for text in shapes(drawing, Text)}
    for stage in expand(network(name), architecture(name).pixels):
        for leaf in leaves(stage.node):
            if isinstance(leaf, Conv | Sep):
                assert str(leaf.filters) in written, (stage.span, leaf)
            if isinstance(leaf, Linear):
                assert str(leaf.features) in written


def test_repeated_stages_are_one_box_with_a_factor():
    labels = {line for box in shapes(drawn("inception_v4"), Box) for line in box.lines}
    assert {"4 x inception_a", "7 x inception_b", "3 x inception_c"} <= labels
    assert "2 x 3x3 conv, 64" in {line for box in shapes(drawn("vgg16"), Box) for line in box.lines}


def test_modules_of_one_structure_share_a_figure_with_letters():
    rows = merge_repeats(expand(network("googlenet"), 224), alike)
    module, head = module_types(rows)
    assert [stage.span for stage in module.members][:2] == ["inception_3a", "inception_3b"]
    assert module.letters["a"] == (64, 128, 192, 160, 128, 112, 256, 256, 384)
    assert module.widths["branch5x5.1"] == "e"
    assert head.letters == {}
    assert head.widths["fc"] == "1024"


def test_layers_of_equal_width_share_a_letter():
    module = next(k for k in module_types(expand(network("inception_v3"), 299)) if k.members[0].span == "mixed_6b")
    assert module.letters == {"a": (128, 160, 160, 192)}
    assert module.widths["branch_pool.1"] == "192"


def test_a_residual_block_has_its_sum_its_scale_and_its_shortcut():
    drawing = drawn("inception_resnet_v2")
    assert len(shapes(drawing, Plus)) == 4
    assert {"x 0.17", "x 0.1", "x 0.2"} <= {text.text for text in shapes(drawing, Text)}
    into_sums = {(plus.x - plus.r, plus.y) for plus in shapes(drawing, Plus)}
    assert into_sums <= {arrow.points[-1] for arrow in shapes(drawing, Arrow)}


def test_a_fork_ends_in_the_concatenation_without_one_of_its_own():
    fork = Cat.of(r=conv(6, (1, 3)), c=conv(6, (3, 1)))
    boxes = boxes_of(Seq.of(c=Cat.of(a=conv(4), b=conv(8) >> fork)))
    assert [box.lines for box in boxes if box.fill == "bar"] == [("from 8x8x3",), ("concat: 8x8x16",)]


def test_nested_modules_can_be_drawn():
    inner = Res((("a", conv(8)), ("b", Sep(8, segments=2, pointwise_first=True))), 0.5)
    spec = Seq.of(m=Seq.of(first=conv(8), nested=inner, out=Cat.of(a=conv(2), b=conv(3)), last=conv(4)))
    labels = {line for box in boxes_of(spec) for line in box.lines}
    assert {"in 2 segments", "1x1 first", "concat"} <= labels


def test_text_is_escaped():
    text = svg.render(Drawing(100, 100, (Text(0, 10, 'a < b & "c"'),)))
    assert ElementTree.fromstring(text).find(f"{SVG}text").text == 'a < b & "c"'


@pytest.mark.parametrize(
    ("target", "message"),
    [("v3.png", "written as .svg"), ("nowhere/v3.svg", "No such file"), ("folder.svg", "Is a directory")],
)
def test_a_target_that_cannot_be_written_is_refused(target, message, tmp_path):
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(RequestError, match=message):
        page.write("nin", 224, tmp_path / target)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.svg"]


def _inner(shape):
    """Lines begin and end on edges."""
    left, top, right, bottom = area(shape)
    return left + 1, top + 1, right - 1, bottom - 1
