"""Names beside the points of a panel, moved apart where they would cover each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

APART = 1.15  # of the font's size, between two lines
BESIDE = 5.0  # points between a marker and its name


def label_points(axes: Axes, points: Sequence[tuple[str, float, float]]) -> None:
    """`points`: (name, x, y). A name stands on the side where there is more room, with a line where it had to move."""
    figure = axes.figure
    assert figure is not None
    size, to_points = float(axes.xaxis.label.get_fontsize()), 72 / figure.dpi
    box: Bbox = axes.get_window_extent()
    places = np.asarray(axes.transData.transform([(x, y) for _, x, y in points]))
    right = places[:, 0] < box.x0 + 0.55 * box.width
    for side in (True, False):
        chosen = np.flatnonzero(right == side)
        wanted = places[chosen, 1] * to_points
        for index, moved in zip(chosen.tolist(), spread_apart(wanted, APART * size) - wanted, strict=True):
            name, x, y = points[index]
            axes.annotate(
                name, (x, y), xytext=(BESIDE if side else -BESIDE, moved), textcoords="offset points",
                ha="left" if side else "right", va="center", fontsize=size, zorder=1.9,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.4},
            )  # fmt: skip


def spread_apart(wanted: np.ndarray, apart: float) -> np.ndarray:
    """Places at least `apart` from each other, in the order of `wanted` and near it: neighbours that are too close form
    a block, which is centred on its mean."""
    order = np.argsort(wanted, kind="stable")
    blocks: list[list[int]] = []
    for index in order.tolist():
        blocks.append([index])
        while len(blocks) > 1 and _low(blocks[-1], wanted, apart) - _high(blocks[-2], wanted, apart) < apart:
            last = blocks.pop()
            blocks[-1] += last
    places = np.empty(len(wanted))
    for block in blocks:
        places[block] = _low(block, wanted, apart) + apart * np.arange(len(block))
    return places


def _low(block: list[int], wanted: np.ndarray, apart: float) -> float:
    return float(wanted[block].mean()) - apart * (len(block) - 1) / 2


def _high(block: list[int], wanted: np.ndarray, apart: float) -> float:
    return float(wanted[block].mean()) + apart * (len(block) - 1) / 2
