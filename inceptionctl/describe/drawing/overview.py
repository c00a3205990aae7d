"""The network as a column of stages, the size of each output at its right, auxiliary heads branching off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from inceptionctl.describe import notation
from inceptionctl.describe.drawing.layout import GAP, Piece
from inceptionctl.describe.drawing.module import FILLS, activation, conv_name, kernel_and_marks
from inceptionctl.describe.drawing.shapes import SIZE, Arrow, Box, Shape, Text, moved
from inceptionctl.describe.notation import ConvDefaults
from inceptionctl.describe.stages import Stage
from inceptionctl.models.spec.nodes import Conv, Node, Pool, Sep

WIDTH = 172.0  # of a stage's box
TAG = 18.0  # of the letter that refers to a module's figure
OUTPUT = 76.0  # of the text at the right
COLUMN = WIDTH + OUTPUT
GUTTER = 34.0
Tags = Mapping[tuple[str, ...], str]  # the letter of each module's figure, by the names of the stage


def column(rows: Sequence[Stage], tags: Tags, defaults: ConvDefaults, *, image: str) -> Piece:
    """Stages from top to bottom, the axis through the middle of their boxes; `image`: the size at its top, if any."""
    shapes: list[Shape] = []
    y = 0.0
    if image:
        shapes += [Box(-WIDTH / 2, 0, WIDTH, 20, (f"image {image}",), "bar")]
        y = 20.0
    for stage in rows:
        added, height = _head(stage, tags) if stage.is_head else _stage(stage, tags, defaults)
        start = y + (GAP - 2 if y else 0)
        if y:
            shapes.append(Arrow(((0, y), (0, start)), head=not stage.is_head))
        shapes += [moved(shape, 0, start) for shape in added]
        y = start + height
    return Piece(WIDTH / 2, WIDTH / 2 + OUTPUT, y, tuple(shapes), ((0, 0),), ((0, y),))


def columns(parts: Sequence[Piece]) -> tuple[Shape, ...]:
    """Columns side by side from x = 0, each connected with the top of the next."""
    shapes: list[Shape] = []
    for i, part in enumerate(parts):
        x = WIDTH / 2 + i * (COLUMN + GUTTER)
        shapes += [moved(shape, x, GAP) for shape in part.shapes]
        if i + 1 < len(parts):
            foot, up, after = part.height + GAP, x + WIDTH / 2 + OUTPUT + GUTTER / 2, x + COLUMN + GUTTER
            shapes.append(Arrow(((x, foot), (x, foot + 10), (up, foot + 10), (up, 2), (after, 2), (after, GAP))))
    return tuple(shapes)


def split(rows: Sequence[Stage], count: int) -> list[Sequence[Stage]]:
    """In `count` runs of about the same length."""
    length = -(-len(rows) // count)
    return [rows[i : i + length] for i in range(0, len(rows), length)]


def _stage(stage: Stage, tags: Tags, defaults: ConvDefaults) -> tuple[list[Shape], float]:
    tag, count = tags.get(stage.names), f"{len(stage.names)} x " if len(stage.names) > 1 else ""
    height = 26.0 if tag else 20.0
    label = f"{count}{stage.short if tag else _label(stage.node, defaults)}"
    shapes = _tagged(-WIDTH / 2, WIDTH, height, label, tag, FILLS.get(type(stage.node), "module"))
    return [*shapes, Text(WIDTH / 2 + 6, height / 2 + SIZE * 0.36, str(stage.out))], height


def _head(stage: Stage, tags: Tags) -> tuple[list[Shape], float]:
    """An auxiliary head, to the right of the line down."""
    x, width, height = 30.0, WIDTH / 2 + OUTPUT - 34, 26.0
    lines: list[Shape] = [Arrow(((0, 0), (0, height)), head=False), Arrow(((0, height / 2), (x, height / 2)))]
    return [*lines, *_tagged(x, width, height, stage.short, tags.get(stage.names), "head")], height


def _tagged(x: float, width: float, height: float, label: str, tag: str | None, fill: str) -> list[Shape]:
    if tag is None:
        return [Box(x, 0, width, height, (label,), fill)]
    return [Box(x, 0, TAG, height, (tag,), "tag", bold=True), Box(x + TAG, 0, width - TAG, height, (label,), fill)]


def _label(node: Node, defaults: ConvDefaults) -> str:
    """`3x3 conv, 32 /2 V`"""
    match node:
        case Conv() | Sep():
            size, marks = kernel_and_marks(node)
            return f"{size} {conv_name(node)}, {node.filters}{marks and f' {marks}'}{activation(node, defaults)}"
        case Pool(global_=False, grid=None):
            size, marks = kernel_and_marks(node)
            return f"{size} {node.kind} pool{marks and f', {marks}'}"
    return notation.inline(node, defaults)
