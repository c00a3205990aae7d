"""A network on a page: the overview at the left, beside it each kind of module once. An A4 page upright is 960 wide."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.describe import notation as words
from inceptionctl.describe.drawing import overview, svg
from inceptionctl.describe.drawing.module import ModuleDrawing
from inceptionctl.describe.drawing.module_types import Kind, kinds
from inceptionctl.describe.drawing.packing import FIGURE_GAP, pack_around
from inceptionctl.describe.drawing.shapes import LINE, Piece, Shape, Text, moved, text_width
from inceptionctl.describe.family import counted
from inceptionctl.describe.figures import giga
from inceptionctl.describe.stages import Stage, alike, expand, merge_repeats
from inceptionctl.errors import RequestError
from inceptionctl.models.spec.nodes import Node, Sep
from inceptionctl.models.zoo.registry import architecture, network

WIDTH = 960.0
MARGIN = 18.0
LETTERS = 150  # of small print to a line
LONGEST = 12  # stages in a column that has no figures beside it
TITLE = 150.0  # of a figure, at least
STEP = 34.0  # from column to column in a table of letters


@dataclass(frozen=True)
class Drawing:
    width: float
    height: float
    shapes: tuple[Shape, ...]


def write(name: str, pixels: int, target: Path) -> None:
    """Raises RequestError where `target` is no .svg or cannot be written, ShapeError as `cost`."""
    if target.suffix != ".svg":
        raise RequestError(f"--draw {target}: drawings are written as .svg")
    text = svg.render(drawing(name, pixels))
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RequestError(f"--draw {target}: {error.strerror}") from None


def drawing(name: str, pixels: int) -> Drawing:
    """A network without modules, such as VGG, has no figures; its column is folded, the page as wide as it needs."""
    rows = merge_repeats(expand(network(name), pixels), alike)
    usual, found = words.conv_defaults(stage.node for stage in rows), kinds(rows)
    title, foot = _title(name, pixels), _foot(usual, [stage.node for stage in rows])
    columns = _columns(rows, found, usual, f"{pixels}x{pixels}x3")
    free = title.height + max(part.height for part in columns) + 2 * FIGURE_GAP
    start = (MARGIN + overview.COLUMN + FIGURE_GAP, title.height)
    figures, low = pack_around([figure(kind, usual) for kind in found], start, (MARGIN, WIDTH - MARGIN), free)
    low = max(free, low + FIGURE_GAP)
    beside = len(columns) * (overview.COLUMN + overview.GUTTER) + MARGIN
    return Drawing(
        WIDTH if found else max(beside, title.width, foot.width),
        low + foot.height + MARGIN,
        (
            *title.shapes,
            *(moved(shape, MARGIN, title.height) for shape in overview.columns(columns)),
            *figures,
            *(moved(shape, 0, low) for shape in foot.shapes),
        ),
    )


def _columns(rows: Sequence[Stage], found: Sequence[Kind], usual: words.ConvDefaults, image: str) -> list[Piece]:
    tags = {member.names: kind.tag for kind in found for member in kind.members}
    parts = [rows] if found else overview.split(rows, -(-len(rows) // LONGEST))
    return [overview.column(part, tags, usual, image="" if i else image) for i, part in enumerate(parts)]


def figure(kind: Kind, usual: words.ConvDefaults) -> Piece:
    """The title, the module, and the table of its letters. From x = 0."""
    drawn, names = ModuleDrawing(kind, usual).whole(), [_counted(stage.names, stage.short) for stage in kind.members]
    title = Text(0, LINE, f"{kind.tag}: {_all_or_ends(names, max(drawn.width, TITLE))}", size=11, bold=True)
    table = letters(kind, names)
    width = max(drawn.width, text_width(title.text, title.size, bold=True), table.width)
    drawn = drawn.moved(drawn.left + (width - drawn.width) / 2, LINE + 8)
    table = table.moved((width - table.width) / 2, drawn.height)
    return Piece(0, width, table.height, (title, *drawn.shapes, *table.shapes), (), ())


def letters(kind: Kind, names: Sequence[str]) -> Piece:
    """A row for each member, a column for each letter. From x = 0; of no height without letters."""
    if not kind.letters:
        return Piece(0, 0, 0, (), (), ())
    first, top = max(map(text_width, names)), LINE + 8
    shapes = [Text(0, top + LINE * (i + 1), name) for i, name in enumerate(names)]
    for column, (letter, filters) in enumerate(kind.letters.items(), 1):
        x = first + STEP * column
        shapes.append(Text(x, top, letter, "end", bold=True))
        shapes += [Text(x, top + LINE * (i + 1), str(count), "end") for i, count in enumerate(filters)]
    return Piece(0, first + STEP * len(kind.letters), top + LINE * len(names) + 4, tuple(shapes), (), ())


def _counted(names: Sequence[str], short: str) -> str:
    return f"{len(names)} x {short}" if len(names) > 1 else short


def _all_or_ends(names: Sequence[str], width: float) -> str:
    """All names, as far as they fit the figure."""
    joined = ", ".join(names)
    return joined if text_width(joined, 12, bold=True) <= width else f"{names[0]} .. {names[-1]}"


def _title(name: str, pixels: int) -> Piece:
    plain, headed = counted(name, pixels)
    heads = f" ({headed.params:,} with auxiliary heads)" if headed else ""
    size = f"{plain.params:,} parameters{heads}, {giga(plain.macs)} multiply-adds at {pixels}x{pixels}"
    text = _small_print([size, *textwrap.wrap(architecture(name).about, LETTERS)], MARGIN + 28)
    heading = Text(MARGIN, MARGIN + 10, name, size=15, bold=True)
    return Piece(0, text.width, text.height + 14, (heading, *text.shapes), (), ())


def _foot(usual: words.ConvDefaults, nodes: Sequence[Node]) -> Piece:
    marks = [f"Convolutions: {words.conv_defaults_text(usual)}, unless said", "/2: stride 2", *words.legend(nodes)]
    layers = [leaf for node in nodes for leaf in words.leaves(node) if isinstance(leaf, Sep)]
    steps = sorted({step for layer in layers for step in words.steps(layer)})
    marks += [", ".join(["sep. conv: spatial, then 1x1", *steps])] if layers else []
    return _small_print(textwrap.wrap(". ".join(marks) + ".", LETTERS), LINE)


def _small_print(lines: Sequence[str], y: float) -> Piece:
    shapes = tuple(Text(MARGIN, y + (LINE + 2) * i, line) for i, line in enumerate(lines))
    return Piece(0, MARGIN * 2 + max(map(text_width, lines)), y + (LINE + 2) * len(lines), shapes, (), ())
