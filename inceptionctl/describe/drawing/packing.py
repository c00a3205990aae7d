"""Shelf packing: figures from left to right, in rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from inceptionctl.describe.drawing.layout import Piece
from inceptionctl.describe.drawing.shapes import Point, Shape

FIGURE_GAP = 22.0
SLACK = 160.0  # that a figure may be higher than the first of its row


@dataclass
class FigureRow:
    """`x`: where the next figure begins; `end`: the right edge."""

    x: float
    y: float
    end: float
    height: float
    shapes: list[Shape] = field(default_factory=list)

    def fits(self, figure: Piece) -> bool:
        return self.x + figure.width <= self.end and figure.height <= self.height + SLACK

    def add(self, figure: Piece) -> None:
        self.shapes += figure.moved(self.x + figure.left, self.y).shapes
        self.x += figure.width + FIGURE_GAP
        self.height = max(self.height, figure.height)


Packed = tuple[list[Shape], float]  # and the lower edge of the last row


def pack(figures: Sequence[Piece], start: Point, edges: Point, free: float) -> Packed:
    """The figures in rows from `start` on; rows below y = `free` extend over the whole page, between `edges`."""
    rows: list[FigureRow] = []
    for figure in figures:
        if not rows or not rows[-1].fits(figure):
            y = rows[-1].y + rows[-1].height + FIGURE_GAP if rows else start[1]
            rows.append(FigureRow(edges[0] if y > free else start[0], y, edges[1], figure.height))
        rows[-1].add(figure)
    shapes = [shape for row in rows for shape in row.shapes]
    return shapes, rows[-1].y + rows[-1].height if rows else start[1]


def pack_around(figures: Sequence[Piece], start: Point, edges: Point, free: float) -> Packed:
    """The same, with the last figures below the overview at the left if they fit and the page gets shorter."""
    options: list[Packed] = []
    for i in range(len(figures) - 1, -1, -1):
        if figures[i].width > start[0] - FIGURE_GAP - edges[0]:
            break
        column, foot = pack(figures[i:], (edges[0], free), (edges[0], start[0]), free)
        shapes, low = pack(figures[:i], start, edges, foot)
        options.append(([*shapes, *column], max(low, foot)))
    return min([*options, pack(figures, start, edges, free)], key=lambda option: option[1])
