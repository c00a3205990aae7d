"""Writes what people look at after an evaluation, from its record and arrays and the image files alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from inceptionctl.data.decode import decode
from inceptionctl.errors import DataError
from inceptionctl.report.evaluation.details import Details, find
from inceptionctl.report.evaluation.spreadsheets import classes_csv, confusion_csv
from inceptionctl.runs.evaluations import Predictions
from inceptionctl.runs.io import make_folder, write_record, write_text
from inceptionctl.runs.records.evaluation import EvaluationRecord

if TYPE_CHECKING:
    from inceptionctl.report.evaluation.worst import ImageOf


def write_details(
    record: EvaluationRecord,
    predictions: Predictions,
    classes: Sequence[str],
    root: Path | None,
    folder: Path,
    image_of: ImageOf | None = None,
) -> tuple[Details, list[Path]]:
    """Writes into `folder`, made if it is not there; the details and the files. `root`: the folder that the images'
    paths lie in, now; `image_of`: draws the image at a place in the arrays, of data without files, which otherwise has
    no worst.png.

    details.json comes last. Raises InceptionctlError if a file cannot be written."""
    from inceptionctl.report.evaluation.draw import draw  # matplotlib takes longer to import than everything else

    found = find(record, predictions, classes)
    make_folder(folder)
    paths = [folder / name for name in ("classes.csv", "confusion.csv", "details.json")]
    write_text(paths[0], classes_csv(found.details))
    write_text(paths[1], confusion_csv(found.details))
    drawn = draw(found, predictions, image_of or _from_files(predictions, root), folder)
    write_record(paths[2], found.details)
    return found.details, [*paths[:2], *drawn, paths[2]]


def _from_files(predictions: Predictions, root: Path | None) -> ImageOf | None:
    """Decodes one file at a time: None for one that is gone or cannot be read. Of data without files there is none."""
    if root is None or predictions.path_N is None:
        return None
    path_N, folder = predictions.path_N, root

    def image_of(place: int) -> Image.Image | None:
        try:
            return decode(folder / os.fsdecode(path_N[place]))
        except DataError:
            return None

    return image_of
