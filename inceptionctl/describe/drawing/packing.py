"""Figures set in rows on the page, as books on shelves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from inceptionctl.describe.drawing.shapes import Piece, Point, Shape

FIGURE_GAP = 22.0  # between figures
SLACK = 160.0  # that a figure may be higher than the first of its row


@dataclass
class FigureRow:
    """One row: `x` is where its next figure begins, `deep` its height."""

    x: float
    y: float
    end: float
    deep: float
    shapes: list[Shape] = field(default_factory=list)

    def takes(self, figure: Piece) -> bool:
        return self.x + figure.width <= self.end and figure.height <= self.deep + SLACK

    def put(self, figure: Piece) -> None:
        self.shapes += figure.moved(self.x + figure.left, self.y).shapes
        self.x += figure.width + FIGURE_GAP
        self.deep = max(self.deep, figure.height)


Shelved = tuple[list[Shape], float]  # and where the last row ends


def pack(figures: Sequence[Piece], start: Point, edges: Point, free: float) -> Shelved:
    """The figures from `start` on, each in the last row or a new one; from `free` on, below what stands at the left,
    rows go from one of the `edges` to the other."""
    rows: list[FigureRow] = []
    for figure in figures:
        if not rows or not rows[-1].takes(figure):
            y = rows[-1].y + rows[-1].deep + FIGURE_GAP if rows else start[1]
            rows.append(FigureRow(edges[0] if y > free else start[0], y, edges[1], figure.height))
        rows[-1].put(figure)
    shapes = [shape for row in rows for shape in row.shapes]
    return shapes, rows[-1].y + rows[-1].deep if rows else start[1]


def pack_around(figures: Sequence[Piece], start: Point, edges: Point, free: float) -> Shelved:
    """The same, the last figures below what stands at the left as far as they are narrow and the page gets shorter."""
    options: list[Shelved] = []
    for i in range(len(figures) - 1, -1, -1):
        if figures[i].width > start[0] - FIGURE_GAP - edges[0]:
            break
        column, foot = pack(figures[i:], (edges[0], free), (edges[0], start[0]), free)
        shapes, low = pack(figures[:i], start, edges, foot)
        options.append(([*shapes, *column], max(low, foot)))
    return min([*options, pack(figures, start, edges, free)], key=lambda option: option[1])
