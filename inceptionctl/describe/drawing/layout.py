"""Pieces of a drawing: stacked, set side by side, and connected by arrows.

A piece has its axis at x = 0 and its top at y = 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from inceptionctl.describe.drawing.shapes import LINE, Arrow, Box, Point, Shape, moved

GAP = 16.0  # between boxes, for an arrow
FORK_GAP = 24.0  # the same where a line forks
BRANCH_GAP = 8.0  # between branches


@dataclass(frozen=True)
class Piece:
    """`left`, `right`: its extent on both sides of the axis; arrows enter at `ins` and leave at `outs`.

    `is_bar`: arrows enter and leave anywhere along its edges.
    """

    left: float
    right: float
    height: float
    shapes: tuple[Shape, ...]
    ins: tuple[Point, ...] = ()
    outs: tuple[Point, ...] = ()
    is_bar: bool = False

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


def box(lines: Sequence[str], fill: str, width: float) -> Piece:
    height = 8 + LINE * len(lines)
    shape = Box(-width / 2, 0, width, height, tuple(lines), fill)
    return Piece(width / 2, width / 2, height, (shape,), ((0, 0),), ((0, height),))


def bar(left: float, right: float, text: str) -> Piece:
    """A box across branches: the input that they share, or their concatenation."""
    shape = Box(-left, 0, left + right, 20, (text,), "bar")
    return Piece(left, right, 20, (shape,), ((0, 0),), ((0, 20),), is_bar=True)


def side_by_side(pieces: Sequence[Piece]) -> Piece:
    """Branches with their tops on one line and the axis in the middle."""
    width = sum(piece.width for piece in pieces) + BRANCH_GAP * (len(pieces) - 1)
    x, placed = -width / 2, []
    for piece in pieces:
        placed.append(piece.moved(x + piece.left, 0))
        x += piece.width + BRANCH_GAP
    return Piece(
        width / 2,
        width / 2,
        max(piece.height for piece in pieces),
        tuple(shape for piece in placed for shape in piece.shapes),
        tuple(point for piece in placed for point in piece.ins),
        tuple(point for piece in placed for point in piece.outs),
    )


def stack(pieces: Sequence[Piece]) -> Piece:
    """One below the other, connected. Several open branches before a piece that is not a bar end in a bar."""
    stacked = pieces[0]
    for piece in pieces[1:]:
        if len(stacked.outs) > 1 and not piece.is_bar:
            stacked = _below(stacked, bar(stacked.left, stacked.right, "concat"))
        stacked = _below(stacked, piece)
    return stacked


def _below(above: Piece, piece: Piece) -> Piece:
    forks = len(piece.ins) > 1 and not above.is_bar
    lower = piece.moved(0, above.height + (FORK_GAP if forks else GAP))
    return Piece(
        max(above.left, piece.left),
        max(above.right, piece.right),
        lower.height,
        (*above.shapes, *_arrows(above, lower), *lower.shapes),
        above.ins,
        lower.outs,
        is_bar=piece.is_bar,
    )


def _arrows(above: Piece, lower: Piece) -> Iterator[Arrow]:
    """Straight down along a bar; else from the one exit above to every entry below."""
    if lower.is_bar:
        top = lower.ins[0][1]
        yield from (Arrow(((x, y), (x, top))) for x, y in above.outs)
    elif above.is_bar:
        bottom = above.outs[0][1]
        yield from (Arrow(((x, bottom), (x, y))) for x, y in lower.ins)
    else:
        yield from (_bent(above.outs[0], end) for end in lower.ins)


def _bent(start: Point, end: Point) -> Arrow:
    """Down, across and down again; straight if the points are in line."""
    if start[0] == end[0]:
        return Arrow((start, end))
    across = end[1] - GAP + 4
    return Arrow((start, (start[0], across), (end[0], across), end))
