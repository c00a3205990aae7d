"""What drawings are made of, and how pieces of a drawing are stacked, set side by side and connected.

Lengths are pixels at the width of the page; y runs down. A piece hangs on its axis, x = 0, and begins at y = 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

SIZE = 10.0  # of letters
LINE = 12.0  # from line to line
GAP = 16.0  # between boxes, for an arrow
RAIL = 24.0  # the same where a line forks
BETWEEN = 8.0  # branches

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    w: float
    h: float
    lines: tuple[str, ...]
    kind: str
    bold: bool = False


@dataclass(frozen=True)
class Arrow:
    """A line through its points, straight or round corners; `head` at its end."""

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
class Piece:
    """`left` and `right` of the axis it is so wide; arrows enter at `ins` and leave at `outs`. A `bar` takes and gives
    them anywhere along its edges."""

    left: float
    right: float
    height: float
    shapes: tuple[Shape, ...]
    ins: tuple[Point, ...]
    outs: tuple[Point, ...]
    bar: bool = False

    @property
    def width(self) -> float:
        return self.left + self.right

    def moved(self, dx: float, dy: float) -> Piece:
        """Further right and down; the axis stays where it was."""
        return replace(
            self,
            left=self.left - dx,
            right=self.right + dx,
            height=self.height + dy,
            shapes=tuple(moved(shape, dx, dy) for shape in self.shapes),
            ins=tuple((x + dx, y + dy) for x, y in self.ins),
            outs=tuple((x + dx, y + dy) for x, y in self.outs),
        )


def moved(shape: Shape, dx: float, dy: float) -> Shape:
    if isinstance(shape, Arrow):
        return replace(shape, points=tuple((x + dx, y + dy) for x, y in shape.points))
    return replace(shape, x=shape.x + dx, y=shape.y + dy)


def text_width(text: str, size: float = SIZE, *, bold: bool = False) -> float:
    """At most: DejaVu Sans, the widest of the usual fonts, takes 0.6 of its size for a letter on average."""
    return len(text) * size * (0.66 if bold else 0.61)


def box(lines: Sequence[str], kind: str, width: float) -> Piece:
    height = 8 + LINE * len(lines)
    shape = Box(-width / 2, 0, width, height, tuple(lines), kind)
    return Piece(width / 2, width / 2, height, (shape,), ((0, 0),), ((0, height),))


def bar(left: float, right: float, text: str) -> Piece:
    """Across branches: what they share as input, or their concatenation."""
    shape = Box(-left, 0, left + right, 20, (text,), "bar")
    return Piece(left, right, 20, (shape,), ((0, 0),), ((0, 20),), bar=True)


def side_by_side(pieces: Sequence[Piece]) -> Piece:
    """Branches, their tops on one line, the axis in the middle."""
    width = sum(piece.width for piece in pieces) + BETWEEN * (len(pieces) - 1)
    at, placed = -width / 2, []
    for piece in pieces:
        placed.append(piece.moved(at + piece.left, 0))
        at += piece.width + BETWEEN
    return Piece(
        width / 2,
        width / 2,
        max(piece.height for piece in pieces),
        tuple(shape for piece in placed for shape in piece.shapes),
        tuple(point for piece in placed for point in piece.ins),
        tuple(point for piece in placed for point in piece.outs),
    )


def stack(pieces: Sequence[Piece]) -> Piece:
    """One below the other, connected. Open branches before what is no bar are joined by one."""
    whole = pieces[0]
    for piece in pieces[1:]:
        if len(whole.outs) > 1 and not piece.bar:
            whole = _under(whole, bar(whole.left, whole.right, "concat"))
        whole = _under(whole, piece)
    return whole


def _under(above: Piece, piece: Piece) -> Piece:
    forks = len(piece.ins) > 1 and not above.bar
    lower = piece.moved(0, above.height + (RAIL if forks else GAP))
    return Piece(
        max(above.left, piece.left),
        max(above.right, piece.right),
        lower.height,
        (*above.shapes, *_arrows(above, lower), *lower.shapes),
        above.ins,
        lower.outs,
        bar=piece.bar,
    )


def _arrows(above: Piece, lower: Piece) -> Iterator[Arrow]:
    """Straight down along a bar; else from the one end above to every entry below."""
    if lower.bar:
        top = lower.ins[0][1]
        yield from (Arrow(((x, y), (x, top))) for x, y in above.outs)
    elif above.bar:
        bottom = above.outs[0][1]
        yield from (Arrow(((x, bottom), (x, y))) for x, y in lower.ins)
    else:
        yield from (bent(above.outs[0], end) for end in lower.ins)


def bent(start: Point, end: Point) -> Arrow:
    """Down, across and down again; straight where that will do."""
    if start[0] == end[0]:
        return Arrow((start, end))
    across = end[1] - GAP + 4
    return Arrow((start, (start[0], across), (end[0], across), end))
