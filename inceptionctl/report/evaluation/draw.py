"""Draws and writes the figures of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from inceptionctl.report.evaluation.curves import coverage_figure, reliability_figure
from inceptionctl.report.evaluation.details import Findings
from inceptionctl.report.evaluation.figures import save, save_png, style
from inceptionctl.report.evaluation.matrix import chosen_classes, matrix_figure
from inceptionctl.report.evaluation.worst import ImageOf, classes_of, file_name, worst_figure, worst_images
from inceptionctl.report.plots.library import Figure
from inceptionctl.runs.evaluations import Predictions


def draw(found: Findings, predictions: Predictions, image_of: ImageOf | None, folder: Path) -> list[Path]:
    """Writes them into `folder`: SVG and PNG, but the images that are wrong PNG alone, and only with `image_of`. Raises
    InceptionctlError."""
    places, paths = worst_images(predictions), list[Path]()
    shown = {*chosen_classes(found)[0].tolist(), *(k for place in places for k in classes_of(predictions, place))}
    files = [file_name(predictions, place) for place in places]
    with style([*(found.details.classes[k] for k in sorted(shown)), *files]):
        for name, (figure, description) in _figures(found, predictions):
            paths += save(figure, folder / name, description)
        if places and image_of:
            figure = worst_figure(found.details, predictions, places, image_of)
            paths.append(save_png(figure, folder / "worst.png"))
    return paths


def _figures(found: Findings, predictions: Predictions) -> Iterator[tuple[str, tuple[Figure, str]]]:
    details = found.details
    yield "confusion", matrix_figure(found)
    if details.calibration and predictions.confidence_N is not None:
        confidence_N = predictions.confidence_N[predictions.top5_NK[:, 0] >= 0]
        yield "reliability", reliability_figure(details, details.calibration, confidence_N)
    if details.coverage and found.curve:
        yield "coverage", coverage_figure(details, details.coverage, found.curve)
