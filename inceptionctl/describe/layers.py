"""One network as the paper's layer table, with its totals beside what the paper says of them."""

from __future__ import annotations

from collections.abc import Sequence

from inceptionctl.describe import notation as words
from inceptionctl.describe import sizes
from inceptionctl.describe.family import claim, counted, errors
from inceptionctl.describe.figures import DASH, as_printed, giga, grid, mega, off
from inceptionctl.describe.stages import Stage, expand, merge_repeats
from inceptionctl.models.spec.cost import cost
from inceptionctl.models.spec.nodes import Cat, Endpoint, Res, Seq
from inceptionctl.models.zoo.registry import architecture, network

Line = tuple[str, str, str, str, str]
TITLES: Line = ("stage", "output", "field", "parameters", "mult-adds")


def table(name: str, pixels: int) -> list[str]:
    """One row a stage, a module's branches below it. Identical stages in a row are one row that counts all of them."""
    rows = merge_repeats(expand(network(name), pixels))
    usual = words.conv_defaults(stage.node for stage in rows)
    names = max(len(row.span) for row in rows if not _module(row))
    image: Line = ("image", f"{pixels}x{pixels}x3", "", "", "")
    figures = grid([TITLES, image, *(_figures(row, names, usual) for row in rows), *_totals(name, pixels)])
    below: list[list[str]] = [[], [], *(_branches(row, usual) for row in rows), [], []]
    return [line for figure, more in zip(figures, below, strict=False) for line in (figure, *more)]


def notes(name: str, pixels: int) -> list[str]:
    """What the paper says, why the count differs, and how the table is to be read."""
    entry, rows = architecture(name), expand(network(name), pixels)
    nodes = [stage.node for stage in rows]
    return [
        f"{name}: {entry.about}",
        *_claims(name, pixels),
        *([f"why: {entry.differs}"] if entry.differs else []),
        f"Convolutions: {words.conv_defaults_text(words.conv_defaults(nodes))}, unless said.  "
        + ".  ".join([*words.legend(nodes), "field: receptive field, pixels"]),
    ]


def size_lines(name: str, pixels: int, *, ascii_only: bool = False) -> list[str]:
    """The plot of representation sizes, and what does not fit its map."""
    rows = merge_repeats(expand(network(name), pixels))
    found = sizes.sizes(rows)
    quarter = "a bottleneck keeps a quarter or less: a grid halved without more channels (Rethinking, Figure 9, left)"
    flags = [quarter] if any(size.bottleneck for size in found) else []
    misfits = [f"larger than its map: {line}" for line in sizes.oversized(rows)]
    misfits += [f"fitted to its map: {line}" for line in cost(network(name), (pixels, pixels)).kernel_changes]
    title = f"numbers in each stage's output ({sizes.CHARACTERS} characters a doubling)"
    return [title, *sizes.plot(found, ascii_only=ascii_only), *flags, *misfits]


def _module(row: Stage) -> bool:
    return isinstance(row.node, Cat | Res | Endpoint) or (isinstance(row.node, Seq) and len(row.node.children) > 1)


def _figures(row: Stage, names: int, usual: words.ConvDefaults) -> Line:
    count = f"{len(row.names)} x " if len(row.names) > 1 else ""
    if _module(row):
        label = f"{row.span}{f'  {count}'.rstrip()}{'  auxiliary head' if isinstance(row.node, Endpoint) else ''}"
    else:
        label = f"{row.span:<{names}}  {count}{words.inline(row.node, usual)}"
    field = f"{max(row.end.field)}" if row.end.field != row.into.field else ""
    return label, str(row.end), field, f"{row.params:,}" if row.params else "", mega(row.macs) if row.macs else ""


def _branches(row: Stage, usual: words.ConvDefaults) -> list[str]:
    if not _module(row):
        return []
    node = row.node.head if isinstance(row.node, Endpoint) and row.node.head else row.node
    return [f"  {line}" for line in words.lines(node, usual)]


def _totals(name: str, pixels: int) -> list[Line]:
    plain, whole = counted(name, pixels)
    rows: list[Line] = [("total", "", "", f"{(whole or plain).params:,}", mega((whole or plain).macs))]
    return rows + ([("without auxiliary heads", "", "", f"{plain.params:,}", mega(plain.macs))] if whole else [])


def _claims(name: str, pixels: int) -> Sequence[str]:
    """The paper's figures beside the counted ones: those of its own input, without auxiliary heads."""
    said, entry, (plain, _) = claim(name), architecture(name), counted(name)
    top1, top5 = (DASH if error is None else f"{error:.1f} %" for error in errors(name))
    lines = [f"paper: top-1 error {top1}, top-5 error {top5} [{entry.cell}]"] if entry.cell else []
    at = f" at {entry.pixels} px" if pixels != entry.pixels else ""
    for what, printed, count, text in (
        ("parameters", said and said.params, plain.params, f"{plain.params:,}"),
        ("multiply-adds", said and said.macs, plain.macs, giga(plain.macs)),
    ):
        if printed:
            lines.append(
                f"paper: {as_printed(printed)} {what}; counted {text}{at} ({off(printed, count)}) [{entry.size}]"
            )
    return lines
