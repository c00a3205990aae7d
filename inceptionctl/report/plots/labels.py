"""Names beside the points of a panel, moved apart where they would cover each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from inceptionctl.report.plots.library import Axes, Bbox
from inceptionctl.report.plots.style import GREY

APART = 1.15  # of the font's size, between two lines
WIDTH = 0.6  # of the font's size, a letter
BESIDE = 5.0  # points between a marker and its name
LINE = {"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2}


def label_points(axes: Axes, points: Sequence[tuple[str, float, float]]) -> None:
    """`points`: (name, x, y). A name stands on the side where there is more room, with a line where it had to move."""
    figure = axes.figure
    assert figure is not None
    size, to_points = float(axes.xaxis.label.get_fontsize()), 72 / figure.dpi
    box: Bbox = axes.get_window_extent()
    places = np.asarray(axes.transData.transform([(x, y) for _, x, y in points]))
    on_right = places[:, 0] < box.x0 + 0.55 * box.width
    lengths = np.array([BESIDE + WIDTH * size * len(name) for name, *_ in points])
    x = places[:, 0] * to_points
    spans = np.stack([np.where(on_right, x, x - lengths), np.where(on_right, x + lengths, x)], axis=1)
    bounds = (box.y0 * to_points + size / 2, box.y1 * to_points - size / 2)
    for side_by_side in overlapping(spans):
        wanted = places[side_by_side, 1] * to_points
        moves = spread_apart(wanted, APART * size, bounds) - wanted
        for index, moved in zip(side_by_side, moves, strict=True):
            _write(axes, points[index], bool(on_right[index]), float(moved), size)


def _write(axes: Axes, point: tuple[str, float, float], on_right: bool, moved: float, size: float) -> None:
    name, x, y = point
    far = abs(moved) > size / 2
    aside = BESIDE * (3 if far else 1)
    axes.annotate(
        name, (x, y), xytext=(aside if on_right else -aside, moved), textcoords="offset points",
        ha="left" if on_right else "right", va="center", fontsize=size, zorder=1.9, arrowprops=LINE if far else None,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.4},
    )  # fmt: skip


def overlapping(spans: np.ndarray) -> Iterator[list[int]]:
    """Groups of intervals (low, high) that overlap, or are linked by others that do."""
    group: list[int] = []
    end = -math.inf
    for index in np.argsort(spans[:, 0], kind="stable").tolist():
        if group and spans[index, 0] > end:
            yield group
            group, end = [], -math.inf
        group.append(index)
        end = max(end, spans[index, 1])
    if group:
        yield group


def spread_apart(wanted: np.ndarray, apart: float, bounds: tuple[float, float] = (-math.inf, math.inf)) -> np.ndarray:
    """Places at least `apart` from each other and, if there is room, within `bounds`, in the order of `wanted` and near
    it: neighbours that are too close form a block, which is centred on its mean."""

    def places_of(block: list[int]) -> np.ndarray:
        height = apart * (len(block) - 1)
        low = max(bounds[0], min(bounds[1] - height, float(wanted[block].mean()) - height / 2))
        return low + apart * np.arange(len(block))

    blocks: list[list[int]] = []
    for index in np.argsort(wanted, kind="stable").tolist():
        blocks.append([index])
        while len(blocks) > 1 and places_of(blocks[-1])[0] - places_of(blocks[-2])[-1] < apart:
            last = blocks.pop()
            blocks[-1] += last
    places = np.empty(len(wanted))
    for block in blocks:
        places[block] = places_of(block)
    return places
