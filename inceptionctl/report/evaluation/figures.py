"""The figures of an evaluation have one style, and a title and a description in their SVG for those who cannot see."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from io import StringIO
from pathlib import Path
from textwrap import wrap
from typing import Any
from xml.sax.saxutils import escape

from inceptionctl.files import writing
from inceptionctl.report.evaluation.details import Details
from inceptionctl.report.evaluation.fonts import clean, families
from inceptionctl.report.evaluation.names import one_line
from inceptionctl.report.plots.library import Figure, styled
from inceptionctl.report.plots.style import STYLE, TITLE_CHARACTERS, WIDTH
from inceptionctl.runs.io import write_text

DPI = 150


def style(names: Sequence[str] = ()) -> AbstractContextManager[Any]:
    """The report's, with fonts for the characters of `names`."""
    return styled(STYLE | {"font.family": list(families("".join(sorted(set("".join(names))))))})


def save(figure: Figure, path: Path, description: str) -> list[Path]:
    """As SVG and PNG: `path` with these suffixes."""
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    title = figure.get_suptitle().replace("\n", ". ")
    write_text(path.with_suffix(".svg"), _described(text.getvalue(), title, description))
    return [path.with_suffix(".svg"), save_png(figure, path.with_suffix(".png"))]


def save_png(figure: Figure, path: Path) -> Path:
    with writing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI)
    return path


def title(figure: Figure, details: Details, what: str, note: str = "") -> None:
    """What is drawn, and below what it is of, in as many lines as the figure's width needs."""
    parts = (details.image_set.name, details.protocol.name, details.network)
    of = " · ".join(clean(part, TITLE_CHARACTERS) for part in parts)
    characters = int(TITLE_CHARACTERS * figure.get_figwidth() / WIDTH)
    lines = [line for text in (what, of, note) for line in wrap(text, characters)]
    figure.suptitle("\n".join(lines), fontsize=10, ha="left", x=0.01)


def _described(svg: str, title: str, description: str) -> str:
    head, start, rest = svg.partition("<svg ")
    tag, end, body = rest.partition(">")
    words = f"\n <title>{escape(one_line(title))}</title>\n <desc>{escape(one_line(description))}</desc>"
    return f'{head}{start}role="img" {tag}{end}{words}{body}'
