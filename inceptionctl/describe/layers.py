"""One network as the paper's layer table, with its totals beside the paper's figures."""

from __future__ import annotations

from collections.abc import Sequence

from inceptionctl.describe import notation, sizes
from inceptionctl.describe.family import counted, errors, paper_size
from inceptionctl.describe.format import DASH, as_printed, columns, deviation, giga, mega
from inceptionctl.describe.notation import ConvDefaults
from inceptionctl.describe.stages import Stage, expand, merge_repeats
from inceptionctl.models.spec.cost import cost
from inceptionctl.models.spec.nodes import Cat, Endpoint, Res, Seq
from inceptionctl.models.zoo.registry import architecture, network

Line = tuple[str, str, str, str, str]
TITLES: Line = ("stage", "output", "field", "parameters", "mult-adds")


def table(name: str, pixels: int) -> list[str]:
    """One row per stage, a module's branches below it; identical neighbours are one row, with the counts of all."""
    rows = merge_repeats(expand(network(name), pixels))
    defaults = notation.conv_defaults(stage.node for stage in rows)
    names = max(len(row.span) for row in rows if not _is_module(row))
    image: Line = ("image", f"{pixels}x{pixels}x3", "", "", "")
    lines = columns([TITLES, image, *(_line(row, names, defaults) for row in rows), *_totals(name, pixels)])
    below: list[list[str]] = [[], [], *(_branches(row, defaults) for row in rows), [], []]
    return [text for line, branches in zip(lines, below, strict=False) for text in (line, *branches)]


def notes(name: str, pixels: int) -> list[str]:
    """The paper's figures, why the count differs, and the notation."""
    entry, rows = architecture(name), expand(network(name), pixels)
    nodes = [stage.node for stage in rows]
    return [
        f"{name}: {entry.about}",
        *_paper(name, pixels),
        *([f"why: {entry.differs}"] if entry.differs else []),
        f"Convolutions: {notation.conv_defaults_text(notation.conv_defaults(nodes))}, unless said.  "
        + ".  ".join([*notation.legend(nodes), "field: receptive field, pixels"]),
    ]


def size_lines(name: str, pixels: int, *, ascii_only: bool = False) -> list[str]:
    """The plot of representation sizes, and the kernels that do not fit their map."""
    rows = merge_repeats(expand(network(name), pixels))
    found = sizes.sizes(rows)
    quarter = "a bottleneck keeps a quarter or less: a grid halved without more channels (Rethinking, Figure 9, left)"
    explanation = [quarter] if any(size.bottleneck for size in found) else []
    misfits = [f"larger than its map: {line}" for line in sizes.oversized(rows)]
    misfits += [f"fitted to its map: {line}" for line in cost(network(name), (pixels, pixels)).kernel_changes]
    title = f"numbers in each stage's output ({sizes.CHARACTERS} characters a doubling)"
    return [title, *sizes.plot(found, ascii_only=ascii_only), *explanation, *misfits]


def _is_module(row: Stage) -> bool:
    return isinstance(row.node, Cat | Res | Endpoint) or (isinstance(row.node, Seq) and len(row.node.children) > 1)


def _line(row: Stage, names: int, defaults: ConvDefaults) -> Line:
    count = f"{len(row.names)} x " if len(row.names) > 1 else ""
    if _is_module(row):
        label = f"{row.span}{f'  {count}'.rstrip()}{'  auxiliary head' if row.is_head else ''}"
    else:
        label = f"{row.span:<{names}}  {count}{notation.inline(row.node, defaults)}"
    field = f"{max(row.end.field)}" if row.end.field != row.into.field else ""
    return label, str(row.end), field, f"{row.params:,}" if row.params else "", mega(row.macs) if row.macs else ""


def _branches(row: Stage, defaults: ConvDefaults) -> list[str]:
    return [f"  {line}" for line in notation.lines(row.module, defaults)] if _is_module(row) else []


def _totals(name: str, pixels: int) -> list[Line]:
    plain, with_heads = counted(name, pixels)
    total = with_heads or plain
    rows: list[Line] = [("total", "", "", f"{total.params:,}", mega(total.macs))]
    without: Line = ("without auxiliary heads", "", "", f"{plain.params:,}", mega(plain.macs))
    return [*rows, without] if with_heads else rows


def _paper(name: str, pixels: int) -> Sequence[str]:
    """The paper's figures, which are for its own input and without auxiliary heads, beside the counts."""
    printed, entry, (plain, _) = paper_size(name), architecture(name), counted(name)
    top1, top5 = (DASH if error is None else f"{error:.1f} %" for error in errors(name))
    lines = [f"paper: top-1 error {top1}, top-5 error {top5} [{entry.cell}]"] if entry.cell else []
    at = f" at {entry.pixels} px" if pixels != entry.pixels else ""
    for what, figure, count, text in (
        ("parameters", printed and printed.params, plain.params, f"{plain.params:,}"),
        ("multiply-adds", printed and printed.macs, plain.macs, giga(plain.macs)),
    ):
        if figure:
            difference = deviation(figure, count)
            lines.append(f"paper: {as_printed(figure)} {what}; counted {text}{at} ({difference}) [{entry.size}]")
    return lines
