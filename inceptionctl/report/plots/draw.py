"""Draws and writes the figures of a report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from inceptionctl.files import writing
from inceptionctl.report.findings import Findings
from inceptionctl.report.plots.changes import changes
from inceptionctl.report.plots.contributions import contributions
from inceptionctl.report.plots.curves import curves
from inceptionctl.report.plots.drawing import Drawing
from inceptionctl.report.plots.ladder import ladder
from inceptionctl.report.plots.library import styled
from inceptionctl.report.plots.scatter import scatter
from inceptionctl.report.plots.style import Look
from inceptionctl.report.plots.svg import svg
from inceptionctl.runs.io import write_text

FIGURES = {
    "ladder": ladder,
    "changes": changes,
    "contributions": contributions,
    "scatter": scatter,
    "curves": curves,
}
KINDS = ("svg", "png", "pdf")
DPI = 150


def drawings(findings: Findings, look: Look) -> list[Drawing]:
    """Those that have something to show."""
    with styled(look.style):
        return [drawing for draw_one in FIGURES.values() if (drawing := draw_one(findings, look))]


def draw(findings: Findings, folder: Path, kinds: Sequence[str], look: Look | None = None) -> list[Path]:
    """Writes every figure into `folder`, as a file of each kind; files of figures with nothing to show are removed."""
    look = look or Look()
    drawn = drawings(findings, look)
    with styled(look.style):
        paths = [path for drawing in drawn for path in _save_all(drawing, folder, kinds)]
    for name in FIGURES.keys() - {drawing.name for drawing in drawn}:
        for kind in KINDS:
            (folder / f"{name}.{kind}").unlink(missing_ok=True)
    return paths


def _save_all(drawing: Drawing, folder: Path, kinds: Sequence[str]) -> list[Path]:
    """Places are computed for the first file, and kept: that takes as long as drawing."""
    paths = []
    for kind in kinds:
        paths.append(_save(drawing, folder / f"{drawing.name}.{kind}"))
        drawing.figure.set_layout_engine("none")
    return paths


def _save(drawing: Drawing, path: Path) -> Path:
    kind = path.suffix[1:]
    if kind == "svg":
        write_text(path, svg(drawing.figure, drawing.title, drawing.description))
        return path
    words = {"Title": drawing.title, "Subject": drawing.description, "CreationDate": None}
    if kind == "png":
        words = {"Title": drawing.title, "Description": drawing.description}
    with writing(path) as temporary:
        drawing.figure.savefig(temporary, format=kind, dpi=DPI, metadata=words)
    return path
