"""SVG with a title and a description, for files and for the page, in which ids are unique and colours follow the
reader's choice of light or dark."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from xml.sax.saxutils import escape

from inceptionctl.report.plots.library import Figure
from inceptionctl.report.plots.style import COLOURS, GREY, GRID, LIGHT

IDS = re.compile(r'(\bid="|href="#|url\(#)([^")]+)')
HEAD = re.compile(r"^.*?(?=<svg )", re.DOTALL)  # the declarations that stand before the element
METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
# Colours by the name of the variable that the page sets for each.
VARIABLES = {
    "#000000": "ink",
    "#ffffff": "ground",
    GREY: "muted",
    LIGHT: "light",
    GRID: "grid",
    **{colour.lower(): f"c{place}" for place, colour in enumerate(COLOURS[:-1])},
}


def svg(figure: Figure, title: str, description: str) -> str:
    """A document of its own, without a date."""
    out = io.StringIO()
    words = {"Title": title, "Description": description, "Date": None}
    figure.savefig(out, format="svg", metadata=words)
    return described(out.getvalue(), title, description)


def described(text: str, title: str, description: str) -> str:
    """With the two as elements, which a browser or a reader of screens takes."""
    head, start, rest = text.partition("<svg ")
    tag, end, body = rest.partition(">")
    words = f"\n <title>{escape(title)}</title>\n <desc>{escape(description)}</desc>"
    return f'{head}{start}role="img" {tag}{end}{words}{body}'


def inline(text: str, name: str, variables: Mapping[str, str] = VARIABLES) -> str:
    """The document as an element of a page: ids begin with `name`, colours are variables, and the width is the
    page's."""
    text = METADATA.sub("", HEAD.sub("", text))
    text = IDS.sub(rf"\1{name}-\2", text)
    for colour, variable in variables.items():
        text = text.replace(f": {colour}", f": var(--{variable}, {colour})")
    text = re.sub(r"<svg ([^>]*?)\s(?:width|height)=\"[^\"]*\"", r"<svg \1", text, count=1)
    text = re.sub(r"<svg ([^>]*?)\s(?:width|height)=\"[^\"]*\"", r"<svg \1", text, count=1)
    labelled = f'<svg aria-labelledby="{name}-title {name}-desc" '
    text = text.replace("<svg ", labelled, 1)
    text = text.replace("<title>", f'<title id="{name}-title">', 1)
    return text.replace("<desc>", f'<desc id="{name}-desc">', 1)
