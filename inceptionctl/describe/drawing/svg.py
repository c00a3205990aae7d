"""A drawing as SVG text: no style sheet, no script, common fonts."""

from __future__ import annotations

from functools import singledispatch
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from inceptionctl.describe.drawing.shapes import LINE, SIZE, Arrow, Box, Drawing, Plus, Point, Shape, Text

INK, FRAME = "#1f2933", "#5b6770"
FILLS = {
    "conv": "#dbe9f8",
    "sep": "#d3ede4",
    "pool": "#fde5cc",
    "linear": "#e7dff5",
    "other": "#f4f4f4",
    "bar": "#e6e8ec",
    "module": "#fff6d6",
    "head": "#f9dfe3",
    "tag": "#ffffff",
}
FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
ROUND = 5.0  # radius of a line's corners


def render(drawing: Drawing) -> str:
    width, height = f"{drawing.width:g}", f"{drawing.height:g}"
    root = Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        width=width,
        height=height,
        viewBox=f"0 0 {width} {height}",
        attrib={"font-family": FONT, "font-size": f"{SIZE:g}", "fill": INK},
    )
    _arrow_head(root)
    SubElement(root, "rect", width=width, height=height, fill="white")
    for shape in sorted(drawing.shapes, key=lambda shape: not isinstance(shape, Arrow)):  # lines below boxes
        draw(shape, root)
    indent(root, " ")
    return tostring(root, encoding="unicode", xml_declaration=False) + "\n"


@singledispatch
def draw(shape: Shape, root: Element) -> None:
    raise TypeError(f"no drawing known for {type(shape).__name__}")


@draw.register
def _(shape: Box, root: Element) -> None:
    frame = {"x": _n(shape.x), "y": _n(shape.y), "width": _n(shape.w), "height": _n(shape.h), "rx": "2"}
    SubElement(root, "rect", frame | {"fill": FILLS[shape.fill], "stroke": FRAME, "stroke-width": "0.8"})
    first = shape.y + (shape.h - LINE * len(shape.lines)) / 2 + SIZE * 0.92
    for i, line in enumerate(shape.lines):
        draw(Text(shape.x + shape.w / 2, first + LINE * i, line, "middle", bold=shape.bold), root)


@draw.register
def _(shape: Text, root: Element) -> None:
    element = SubElement(root, "text", {"x": _n(shape.x), "y": _n(shape.y)})
    element.text = shape.text
    if shape.anchor != "start":
        element.set("text-anchor", shape.anchor)
    if shape.size != SIZE:
        element.set("font-size", f"{shape.size:g}")
    if shape.bold:
        element.set("font-weight", "bold")


@draw.register
def _(shape: Plus, root: Element) -> None:
    circle = {"cx": _n(shape.x), "cy": _n(shape.y), "r": _n(shape.r), "fill": "white"}
    SubElement(root, "circle", circle | {"stroke": FRAME, "stroke-width": "0.8"})
    x, y, r = shape.x, shape.y, shape.r - 3
    SubElement(root, "path", d=f"M{_n(x - r)} {_n(y)}H{_n(x + r)}M{_n(x)} {_n(y - r)}V{_n(y + r)}", stroke=INK)


@draw.register
def _(shape: Arrow, root: Element) -> None:
    line = {"d": _path(shape), "fill": "none", "stroke": FRAME, "stroke-width": "1"}
    SubElement(root, "path", line | ({"marker-end": "url(#head)"} if shape.head else {}))


def _path(shape: Arrow) -> str:
    """The path through the points, with rounded corners."""
    (x, y), *rest = shape.points
    path = f"M{_n(x)} {_n(y)}"
    for i, (cx, cy) in enumerate(rest):
        if i + 1 == len(rest):
            return f"{path}L{_n(cx)} {_n(cy)}"
        before, after = _towards((cx, cy), (x, y)), _towards((cx, cy), rest[i + 1])
        path += f"L{before}Q{_n(cx)} {_n(cy)} {after}"
        x, y = cx, cy
    return path


def _towards(corner: Point, end: Point) -> str:
    """The point where the rounding of a corner ends, on the line to `end`."""
    dx, dy = end[0] - corner[0], end[1] - corner[1]
    length = abs(dx) + abs(dy)
    part = min(ROUND, length / 2) / length if length else 0.0
    return f"{_n(corner[0] + dx * part)} {_n(corner[1] + dy * part)}"


def _arrow_head(root: Element) -> None:
    box = {"viewBox": "0 0 6 6", "refX": "5.5", "refY": "3", "markerWidth": "6", "markerHeight": "6"}
    marker = SubElement(SubElement(root, "defs"), "marker", {"id": "head", "orient": "auto"} | box)
    SubElement(marker, "path", d="M0 0.5L6 3L0 5.5z", fill=FRAME)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
