"""The figure of a confusion matrix: of all classes, or of those that are confused most."""

from __future__ import annotations

import numpy as np

from inceptionctl.evaluation.confusion import most_confused_classes
from inceptionctl.report.evaluation.details import Findings
from inceptionctl.report.evaluation.figures import title
from inceptionctl.report.evaluation.fonts import labels, note_on
from inceptionctl.report.plots.library import Axes, Figure, PowerNorm

MAX_CLASSES = 50  # that are all drawn
BLOCK = 30  # classes drawn of more
WITH_NUMBERS = 30  # classes at most
LABEL_LENGTH = 26
CELL, SMALL_CELL, CHARACTER = 0.3, 0.18, 0.07  # inches
DARK = 0.6  # of the colour scale: numbers on it are white


def matrix_figure(found: Findings) -> tuple[Figure, str]:
    """With its description."""
    details = found.details
    classes, what = chosen_classes(found)
    counts_KK = found.confusion.matrix(classes)
    images_K = found.confusion.images_K[classes]
    percent_KK = 100 * counts_KK / np.maximum(1, images_K)[:, None]
    whole_names = [details.classes[k] for k in classes]
    names = list(labels(whole_names, classes.tolist(), LABEL_LENGTH).values())
    cell = CELL if len(classes) <= WITH_NUMBERS else SMALL_CELL
    side, beside = max(2.2, cell * len(classes)), CHARACTER * max(map(len, names))
    figure = Figure(figsize=(max(5.0, side + beside + 1.4), side + beside + 0.9), layout="constrained")
    axes = figure.subplots()
    _draw(axes, counts_KK, percent_KK, names)
    title(figure, details, what, f"{left_out(found)} {note_on(whole_names)}".strip())
    pairs = [
        f"{details.classes[one.truth]} taken for {details.classes[one.predicted]}: {one.images}"
        for one in details.pairs[:5]
    ]
    return figure, f"Rows are classes, columns predictions. Most confused: {'; '.join(pairs) or 'none'}."


def chosen_classes(found: Findings) -> tuple[np.ndarray, str]:
    """The classes to draw, and what they are."""
    n = len(found.details.classes)
    if n <= MAX_CLASSES:
        return np.arange(n), "Confusion matrix"
    chosen = most_confused_classes(found.details.pairs, BLOCK) or [
        one.index for one in found.details.of_classes[:BLOCK]
    ]
    return np.array(chosen), f"Confusion matrix: the {len(chosen)} most confused of {n:,} classes"


def left_out(found: Findings) -> str:
    """A sentence, "" if every image is in the matrix."""
    parts = []
    if found.confusion.unreadable:
        parts.append(f"{found.confusion.unreadable:,} that could not be read")
    if found.confusion.several:
        parts.append(f"{found.confusion.several:,} for which several classes are right")
    return f"Left out are images: {' and '.join(parts)}." if parts else ""


def _draw(axes: Axes, counts_KK: np.ndarray, percent_KK: np.ndarray, names: list[str]) -> None:
    norm = PowerNorm(0.5, 0, 100)  # a few mistakes must not look like none
    drawn = axes.imshow(percent_KK, cmap="Blues", norm=norm)
    size = 8 if len(names) <= WITH_NUMBERS else 6.5
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=size)
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("truth")
    if len(names) <= WITH_NUMBERS:
        _numbers(axes, counts_KK, np.asarray(norm(percent_KK)))
    assert axes.figure is not None
    bar = axes.figure.colorbar(
        drawn, ax=axes, shrink=0.8, ticks=[0, 1, 5, 10, 25, 50, 100], label="% of the class's images"
    )
    bar.outline.set_visible(False)


def _numbers(axes: Axes, counts_KK: np.ndarray, shade_KK: np.ndarray) -> None:
    for row, column in np.argwhere(counts_KK).tolist():
        count = int(counts_KK[row, column])
        size = 7.5 if count < 1000 else 5.5 if count < 100_000 else 4
        colour = "white" if shade_KK[row, column] > DARK else "black"
        axes.text(column, row, str(count), ha="center", va="center", fontsize=size, color=colour)
