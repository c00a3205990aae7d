"""The shapes of a drawing: boxes, lines, text. Lengths are pixels at the width of the page; y runs down."""

from __future__ import annotations

from dataclasses import dataclass, replace

SIZE = 10.0  # of the font
LINE = 12.0  # from line to line

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """`fill` is a key of `svg.FILLS`."""

    x: float
    y: float
    w: float
    h: float
    lines: tuple[str, ...]
    fill: str
    bold: bool = False


@dataclass(frozen=True)
class Arrow:
    """A line through `points` with rounded corners; `head`: an arrow head at its end."""

    points: tuple[Point, ...]
    head: bool = True


@dataclass(frozen=True)
class Text:
    x: float
    y: float
    text: str
    anchor: str = "start"
    size: float = SIZE
    bold: bool = False


@dataclass(frozen=True)
class Plus:
    """The sum of a residual block."""

    x: float
    y: float
    r: float = 8.0


Shape = Box | Arrow | Text | Plus


@dataclass(frozen=True)
class Drawing:
    width: float
    height: float
    shapes: tuple[Shape, ...]


def moved(shape: Shape, dx: float, dy: float) -> Shape:
    if isinstance(shape, Arrow):
        return replace(shape, points=tuple((x + dx, y + dy) for x, y in shape.points))
    return replace(shape, x=shape.x + dx, y=shape.y + dy)


def text_width(text: str, size: float = SIZE, *, bold: bool = False) -> float:
    """An upper bound: DejaVu Sans, the widest of the usual fonts, takes 0.6 of its size per letter on average."""
    return len(text) * size * (0.66 if bold else 0.61)
