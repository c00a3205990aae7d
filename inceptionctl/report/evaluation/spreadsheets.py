"""classes.csv and confusion.csv, with full precision, accuracies in percent."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from inceptionctl.report.evaluation.details import Details

CLASSES = (
    "index", "class", "images", "accuracy", "low", "high", "design_effect", "most_confused_with", "confused_images",
)  # fmt: skip
PAIRS = ("class", "taken_for", "images", "percent_of_class", "reverse_images", "index", "taken_for_index")


def classes_csv(details: Details) -> str:
    """A line for each class that has images, in the order of the classes."""
    names = details.classes
    return _text(
        CLASSES,
        (
            (
                one.index, names[one.index], one.accuracy.n_images, one.accuracy.percent, one.accuracy.low,
                one.accuracy.high, one.accuracy.design_effect,
                "" if one.confused_with is None else names[one.confused_with], one.confused,
            )
            for one in details.of_classes
        ),
    )  # fmt: skip


def confusion_csv(details: Details) -> str:
    """A line for each pair of different classes that occurs, the most confused first."""
    names = details.classes
    return _text(
        PAIRS,
        (
            (names[one.truth], names[one.predicted], one.images, one.percent, one.reverse, one.truth, one.predicted)
            for one in details.pairs
        ),
    )


def _text(header: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return out.getvalue().encode("utf-8", "replace").decode()
