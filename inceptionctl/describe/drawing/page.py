"""A network on a page: the overview at the left, beside it a figure of each type of module."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from inceptionctl.describe import notation
from inceptionctl.describe.drawing import overview, svg
from inceptionctl.describe.drawing.layout import Piece
from inceptionctl.describe.drawing.module import ModuleDrawing
from inceptionctl.describe.drawing.module_types import ModuleType, module_types
from inceptionctl.describe.drawing.packing import FIGURE_GAP, pack_around
from inceptionctl.describe.drawing.shapes import LINE, Drawing, Shape, Text, moved, text_width
from inceptionctl.describe.family import counted
from inceptionctl.describe.format import giga
from inceptionctl.describe.notation import ConvDefaults
from inceptionctl.describe.stages import Stage, alike, expand, merge_repeats
from inceptionctl.errors import RequestError
from inceptionctl.models.spec.nodes import Node, Sep
from inceptionctl.models.spec.walk import leaves
from inceptionctl.models.zoo.registry import architecture, network

WIDTH = 960.0  # of an upright A4 page
MARGIN = 18.0
CHARACTERS = 150  # in a line of small print
LONGEST = 12  # stages in a column without figures beside it
TITLE_WIDTH = 150.0  # of a figure, at least
COLUMN_WIDTH = 34.0  # in a table of letters


def write(name: str, pixels: int, target: Path) -> None:
    """Draws a network. Raises RequestError for a target that is not .svg or not writable, ShapeError as `cost`."""
    if target.suffix != ".svg":
        raise RequestError(f"--draw {target}: drawings are written as .svg")
    text = svg.render(drawing(name, pixels))
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RequestError(f"--draw {target}: {error.strerror}") from None


def drawing(name: str, pixels: int) -> Drawing:
    """A network without modules, such as VGG, has no figures: its overview is split into columns."""
    rows = merge_repeats(expand(network(name), pixels), alike)
    defaults, modules = notation.conv_defaults(stage.node for stage in rows), module_types(rows)
    title, foot = _title(name, pixels), _foot(defaults, [stage.node for stage in rows])
    columns = _columns(rows, modules, defaults, f"{pixels}x{pixels}x3")
    free = title.height + max(part.height for part in columns) + 2 * FIGURE_GAP
    start = (MARGIN + overview.COLUMN + FIGURE_GAP, title.height)
    figures, low = pack_around([figure(module, defaults) for module in modules], start, (MARGIN, WIDTH - MARGIN), free)
    low = max(free, low + FIGURE_GAP)
    columns_width = len(columns) * (overview.COLUMN + overview.GUTTER) + MARGIN
    return Drawing(
        WIDTH if modules else max(columns_width, title.width, foot.width),
        low + foot.height + MARGIN,
        (
            *title.shapes,
            *(moved(shape, MARGIN, title.height) for shape in overview.columns(columns)),
            *figures,
            *(moved(shape, 0, low) for shape in foot.shapes),
        ),
    )


def _columns(rows: list[Stage], modules: Sequence[ModuleType], defaults: ConvDefaults, image: str) -> list[Piece]:
    tags = {member.names: module.tag for module in modules for member in module.members}
    parts = [rows] if modules else overview.split(rows, -(-len(rows) // LONGEST))
    return [overview.column(part, tags, defaults, image="" if i else image) for i, part in enumerate(parts)]


def figure(module: ModuleType, defaults: ConvDefaults) -> Piece:
    """Title, module, and table of letters, from x = 0."""
    drawn = ModuleDrawing(module, defaults).draw()
    names = [f"{len(s.names)} x {s.short}" if len(s.names) > 1 else s.short for s in module.members]
    title = Text(0, LINE, f"{module.tag}: {_names(names, max(drawn.width, TITLE_WIDTH))}", size=11, bold=True)
    table = letters(module, names)
    width = max(drawn.width, text_width(title.text, title.size, bold=True), table.width)
    drawn = drawn.moved(drawn.left + (width - drawn.width) / 2, LINE + 8)
    table = table.moved((width - table.width) / 2, drawn.height)
    return Piece(0, width, table.height, (title, *drawn.shapes, *table.shapes))


def letters(module: ModuleType, names: Sequence[str]) -> Piece:
    """A row for each member and a column for each letter, from x = 0; empty without letters."""
    if not module.letters:
        return Piece(0, 0, 0, ())
    first, top = max(map(text_width, names)), LINE + 8
    shapes: list[Shape] = [Text(0, top + LINE * (i + 1), name) for i, name in enumerate(names)]
    for column, (letter, filters) in enumerate(module.letters.items(), 1):
        x = first + COLUMN_WIDTH * column
        shapes.append(Text(x, top, letter, "end", bold=True))
        shapes += [Text(x, top + LINE * (i + 1), str(count), "end") for i, count in enumerate(filters)]
    return Piece(0, first + COLUMN_WIDTH * len(module.letters), top + LINE * len(names) + 4, tuple(shapes))


def _names(names: Sequence[str], width: float) -> str:
    """All names if they fit the width, else the first and the last."""
    joined = ", ".join(names)
    return joined if text_width(joined, 12, bold=True) <= width else f"{names[0]} .. {names[-1]}"


def _title(name: str, pixels: int) -> Piece:
    plain, with_heads = counted(name, pixels)
    heads = f" ({with_heads.params:,} with auxiliary heads)" if with_heads else ""
    size = f"{plain.params:,} parameters{heads}, {giga(plain.macs)} multiply-adds at {pixels}x{pixels}"
    text = _small_print([size, *textwrap.wrap(architecture(name).about, CHARACTERS)], MARGIN + 28)
    heading = Text(MARGIN, MARGIN + 10, name, size=15, bold=True)
    return Piece(0, text.width, text.height + 14, (heading, *text.shapes))


def _foot(defaults: ConvDefaults, nodes: Sequence[Node]) -> Piece:
    """The legend."""
    parts = [f"Convolutions: {notation.conv_defaults_text(defaults)}, unless said", "/2: stride 2"]
    parts += notation.legend(nodes)
    seps = [leaf for node in nodes for leaf in leaves(node) if isinstance(leaf, Sep)]
    steps = sorted({step for sep in seps for step in notation.steps(sep)})
    parts += [", ".join(["sep. conv: spatial, then 1x1", *steps])] if seps else []
    return _small_print(textwrap.wrap(". ".join(parts) + ".", CHARACTERS), LINE)


def _small_print(lines: Sequence[str], y: float) -> Piece:
    shapes = tuple(Text(MARGIN, y + (LINE + 2) * i, line) for i, line in enumerate(lines))
    return Piece(0, MARGIN * 2 + max(map(text_width, lines)), y + (LINE + 2) * len(lines), shapes)
