"""The whole network as a column of stages, the map that each makes at its right, auxiliary heads branching off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from inceptionctl.describe import notation as words
from inceptionctl.describe.drawing.module import COLOURS
from inceptionctl.describe.drawing.shapes import GAP, SIZE, Arrow, Box, Piece, Shape, Text, moved
from inceptionctl.describe.stages import Stage
from inceptionctl.models.spec.nodes import Conv, Endpoint, Linear, Node, Pool, Sep

WIDTH = 172.0  # of a stage's box
TAG = 18.0  # of the letter that leads to a module's figure
MAP = 76.0  # of the text at the right
COLUMN = WIDTH + MAP
GUTTER = 34.0


def column(
    rows: Sequence[Stage], tags: Mapping[tuple[str, ...], str], usual: words.ConvDefaults, *, image: str
) -> Piece:
    """Hangs on the middle of its boxes. `tags`: the letter of each module's figure, by the names of the stage."""
    shapes: list[Shape] = []
    y = 0.0
    if image:
        shapes += [Box(-WIDTH / 2, 0, WIDTH, 20, (f"image {image}",), "bar")]
        y = 20.0
    for stage in rows:
        added, height = _head(stage, tags) if isinstance(stage.node, Endpoint) else _stage(stage, tags, usual)
        start = y + (GAP - 2 if y else 0)
        if y:
            shapes.append(Arrow(((0, y), (0, start)), head=not isinstance(stage.node, Endpoint)))
        shapes += [moved(shape, 0, start) for shape in added]
        y = start + height
    return Piece(WIDTH / 2, WIDTH / 2 + MAP, y, tuple(shapes), ((0, 0),), ((0, y),))


def columns(parts: Sequence[Piece]) -> tuple[Shape, ...]:
    """Several beside each other; the way leads from the foot of one to the top of the next. From x = 0."""
    shapes: list[Shape] = []
    for i, part in enumerate(parts):
        x = WIDTH / 2 + i * (COLUMN + GUTTER)
        shapes += [moved(shape, x, GAP) for shape in part.shapes]
        if i + 1 < len(parts):
            foot, up, after = part.height + GAP, x + WIDTH / 2 + MAP + GUTTER / 2, x + COLUMN + GUTTER
            shapes.append(Arrow(((x, foot), (x, foot + 10), (up, foot + 10), (up, 2), (after, 2), (after, GAP))))
    return tuple(shapes)


def _stage(stage: Stage, tags: Mapping[tuple[str, ...], str], usual: words.ConvDefaults) -> tuple[list[Shape], float]:
    tag, count = tags.get(stage.names), f"{len(stage.names)} x " if len(stage.names) > 1 else ""
    height = 26.0 if tag else 20.0
    label = f"{count}{stage.short if tag else layer_words(stage.node, usual)}"
    shapes: list[Shape] = _tagged(-WIDTH / 2, WIDTH, height, label, tag, kind_of(stage.node))
    return [*shapes, Text(WIDTH / 2 + 6, height / 2 + SIZE * 0.36, str(stage.out))], height


def _head(stage: Stage, tags: Mapping[tuple[str, ...], str]) -> tuple[list[Shape], float]:
    """To the right of the way down, which goes on."""
    x, width, height = 30.0, WIDTH / 2 + MAP - 34, 26.0
    way: list[Shape] = [Arrow(((0, 0), (0, height)), head=False), Arrow(((0, height / 2), (x, height / 2)))]
    return [*way, *_tagged(x, width, height, stage.short, tags.get(stage.names), "head")], height


def _tagged(x: float, width: float, height: float, label: str, tag: str | None, kind: str) -> list[Shape]:
    if tag is None:
        return [Box(x, 0, width, height, (label,), kind)]
    return [Box(x, 0, TAG, height, (tag,), "tag", bold=True), Box(x + TAG, 0, width - TAG, height, (label,), kind)]


def layer_words(node: Node, usual: words.ConvDefaults) -> str:
    """`3x3 conv, 32 /2 V`"""
    match node:
        case Conv() | Sep():
            size, _, marks = words.kernel(node).replace("/", " /").partition(" ")
            kind = "sep. conv" if isinstance(node, Sep) else "conv"
            act = "" if node.act == usual[1] else f", {words.short_activation(node.act)}"
            return f"{size} {kind}, {node.filters}{f' {marks}' if marks else ''}{act}"
        case Pool(global_=False, grid=None):
            size, _, marks = words.kernel(node).replace("/", " /").partition(" ")
            return f"{size} {node.kind} pool{f', {marks}' if marks else ''}"
        case Linear():
            return words.inline(node)
    return words.inline(node, usual)


def kind_of(node: Node) -> str:
    return COLOURS.get(type(node), "module")


def split(rows: Sequence[Stage], count: int) -> list[Sequence[Stage]]:
    """In `count` runs of about the same length."""
    length = -(-len(rows) // count)
    return [rows[i : i + length] for i in range(0, len(rows), length)]
