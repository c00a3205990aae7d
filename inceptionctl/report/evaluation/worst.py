"""The contact sheet of the images that a network was surest of and wrong about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from inceptionctl.errors import count
from inceptionctl.report.evaluation.details import Details
from inceptionctl.report.evaluation.figures import title
from inceptionctl.report.evaluation.fonts import clean, labels, note_on
from inceptionctl.report.plots.library import Axes, Figure
from inceptionctl.report.plots.style import COLOURS, GREY
from inceptionctl.runs.evaluations import Predictions

COLUMNS, ROWS = 4, 5
TILE, GAP, TEXT, HEAD = 2.3, 0.1, 0.62, 0.7  # inches
PIXELS = 320  # of an image's longer side, as it is kept
NAME_LENGTH, FILE_LENGTH = 23, 36  # characters
WRONG, TRUE = COLOURS[4], COLOURS[0]

ImageOf = Callable[[int], "Image.Image | None"]
"""The image at a place in the arrays; None if it is gone."""


def worst_images(predictions: Predictions, n: int = COLUMNS * ROWS) -> list[int]:
    """Places in the arrays, the surest first; those of equal confidence in the order of the set. The oldest
    evaluations have no confidence: the least probable truth comes first."""
    wrong = np.flatnonzero(~predictions.correct_N & (predictions.top5_NK[:, 0] >= 0))
    sureness_N = -predictions.p_true_N if predictions.confidence_N is None else predictions.confidence_N
    return [int(one) for one in wrong[np.argsort(-sureness_N[wrong], kind="stable")[:n]]]


def worst_figure(details: Details, predictions: Predictions, places: Sequence[int], image_of: ImageOf) -> Figure:
    """`places`: at least one."""
    rows = -(-len(places) // COLUMNS)
    width, height = COLUMNS * (TILE + GAP) + GAP, rows * (TILE + TEXT) + HEAD
    figure = Figure(figsize=(width, height))
    classes = sorted({k for place in places for k in classes_of(predictions, place)})
    names = labels([details.classes[k] for k in classes], classes, NAME_LENGTH)
    for number, place in enumerate(places):
        row, column = divmod(number, COLUMNS)
        left, bottom = GAP + column * (TILE + GAP), height - HEAD - row * (TILE + TEXT) - TILE
        axes = figure.add_axes((left / width, bottom / height, TILE / width, TILE / height))
        axes.axis("off")
        _tile(axes, predictions, place, names, image_of)
    surest = "surest of and wrong about" if predictions.confidence_N is not None else "surest not to be what they are"
    what = f"The {count(len(places), 'image')} that the network was {surest}"
    title(figure, details, what, note_on([details.classes[k] for k in classes]))
    figure.suptitle(figure.get_suptitle(), y=1 - GAP / height, va="top", ha="left", x=GAP / width, fontsize=10)
    return figure


def file_name(predictions: Predictions, place: int) -> str:
    """The file's, or the image's number in the set, from 0."""
    if predictions.path_N is not None:
        return Path(predictions.path_N[place].decode("utf-8", "replace")).name
    return f"image {place if predictions.index_N is None else int(predictions.index_N[place])}"


def _tile(axes: Axes, predictions: Predictions, place: int, names: dict[int, str], image_of: ImageOf) -> None:
    image = image_of(place)
    if image is None:
        axes.imshow(np.full((1, 1, 3), 0.85), extent=(0, 1, 0, 1))
        gone = "the file is gone" if predictions.path_N is not None else "there is no file of it"
        axes.text(0.5, 0.5, gone, ha="center", va="center", color="#404040", fontsize=8)
    else:
        axes.imshow(np.asarray(_reduced(image)), interpolation="nearest")
    for number, (line, colour) in enumerate(zip(_lines(predictions, place, names), (GREY, WRONG, TRUE), strict=True)):
        axes.annotate(
            line, (0.5, 0), xycoords="axes fraction", xytext=(0, -4 - 9.5 * number), textcoords="offset points",
            ha="center", va="top", fontsize=7, color=colour,
        )  # fmt: skip


def _lines(predictions: Predictions, place: int, names: dict[int, str]) -> tuple[str, str, str]:
    confidence_N, predicted = predictions.confidence_N, names[int(predictions.top5_NK[place, 0])]
    sure = "" if confidence_N is None else f"{100 * float(confidence_N[place]):.1f} %: "
    first, *others = (names[k] for k in _truths(predictions, place))
    right = f"{clean(first, NAME_LENGTH // 2)} or {len(others)} more" if others else first
    truth = f"truth {100 * float(predictions.p_true_N[place]):.1f} %: {right}"
    return clean(file_name(predictions, place), FILE_LENGTH), f"predicted {sure}{predicted}", truth


def _reduced(image: Image.Image) -> Image.Image:
    """On a square: the tiles of all images are alike."""
    image = image.convert("RGB")
    image.thumbnail((PIXELS, PIXELS))
    side = max(image.size)
    square = Image.new("RGB", (side, side), "white")
    square.paste(image, ((side - image.width) // 2, side - image.height))
    return square


def _truths(predictions: Predictions, place: int) -> list[int]:
    if predictions.labels_NL is None:
        return [int(predictions.label_N[place])]
    return [int(k) for k in predictions.labels_NL[place] if k >= 0]


def classes_of(predictions: Predictions, place: int) -> list[int]:
    """The predicted class and those that are right."""
    return [int(predictions.top5_NK[place, 0]), *_truths(predictions, place)]
