"""Images to show beside what a network said of them, where they are no files of their own."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from inceptionctl.data.decode import read_pixels
from inceptionctl.data.evaluated import open_eval
from inceptionctl.data.index import FileList
from inceptionctl.errors import DataError
from inceptionctl.planning.evaluation.plan import EvaluationPlan
from inceptionctl.runs.evaluations import Predictions

if TYPE_CHECKING:  # matplotlib takes longer to import than everything else
    from inceptionctl.report.evaluation.worst import ImageOf


def image_source(plan: EvaluationPlan, predictions: Predictions) -> ImageOf | None:
    """Gives the image at a place in `predictions`; None for files, whose paths are stated there."""
    files = plan.index.files.get("eval")
    if files is None:
        return _drawn(plan)
    return _in_larger_files(files, predictions) if files.ranges else None


def _in_larger_files(files: FileList, predictions: Predictions) -> ImageOf:
    def image_of(place: int) -> Image.Image | None:
        index = place if predictions.index_N is None else int(predictions.index_N[place])
        with suppress(DataError):
            return Image.fromarray(read_pixels(files, index))
        return None

    return image_of


def _drawn(plan: EvaluationPlan) -> ImageOf:
    pixels = max(member.pixels for member in plan.request.members)
    images = open_eval(plan.config.data, plan.index, [_as_drawn], [pixels])

    def image_of(place: int) -> Image.Image | None:
        drawn = images.image(0, place)
        assert isinstance(drawn, tuple), "one input for each network"
        return Image.fromarray(drawn[0])

    return image_of


def _as_drawn(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return image
