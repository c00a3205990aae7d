"""The figures of a page, as elements of it and as files to save."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from inceptionctl.report.findings import Findings
from inceptionctl.report.page.uri import uri
from inceptionctl.report.plots.draw import drawings
from inceptionctl.report.plots.library import styled
from inceptionctl.report.plots.style import WIDTHS, Look
from inceptionctl.report.plots.svg import inline, svg

LOOK = Look(WIDTHS["column"], title=False)  # as wide as a telephone; on wider screens they stand side by side


@dataclass(frozen=True)
class PageFigure:
    """`element`: SVG; `svg` and `csv`: URIs of the figure and of its numbers."""

    name: str
    title: str
    description: str
    element: Markup
    svg: str
    csv: str


def page_figures(findings: Findings) -> list[PageFigure]:
    """The main one first: where no rows are compared, accuracy against cost."""
    drawn = sorted(drawings(findings, LOOK), key=lambda one: not findings.rungs and one.name != "scatter")
    found = []
    with styled(LOOK.style):
        for one in drawn:
            text = svg(one.figure, one.title, one.description)
            element = Markup(inline(text, f"figure-{one.name}"))
            files = uri("image/svg+xml", text), uri("text/csv", one.csv)
            found.append(PageFigure(one.name, one.title, one.description, element, *files))
    return found
